"""Single claims about the analyses of channels, time and places, in examples to read."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from analyses.conftest import DAY, History, own
from analyses.oracle import View
from viewing import on


def test_a_window_ends_at_the_partition_and_holds_its_first_day() -> None:
    views = [View(DAY + timedelta(days=n)) for n in (-400, -30, -29, 0, 1)]
    history = History(views)

    def seen_days(**parameters: Any) -> list[str]:
        return [row["period_start"] for row in history.ask("viewing_by_period", **parameters)]

    assert seen_days() == ["2025-12-05", "2026-01-03"]
    assert seen_days(window_days=31) == ["2025-12-04", "2025-12-05", "2026-01-03"]
    assert seen_days(window_days=1) == ["2026-01-03"]
    assert len(seen_days(window_days=None)) == 4


def test_channels_of_equal_views_rank_by_name_and_the_limit_cuts_behind_them() -> None:
    views = [View(DAY, channel_name=name) for name in ("b", "Á", "B", "a", "a")]
    history = History(views)
    found = history.ask("top_channels", limit=3)
    assert [(row["rank"], row["channel"], row["share_pct"]) for row in found] == [
        (1, "a", 40.0),
        (2, "B", 20.0),
        (3, "b", 20.0),
    ]


def test_a_share_is_of_all_views_with_a_channel_listed_or_not() -> None:
    views = [View(DAY, channel_name=name) for name in ("A", "A", "B", "C", None, None)]
    history = History(views)
    [first] = history.ask("top_channels", limit=1)
    assert own(first) == {"channel": "A", "rank": 1, "views": 2, "share_pct": 50.0}


def test_a_renamed_channel_is_two_channels() -> None:
    views = [View(DAY, channel_name=name) for name in ("Old", "New", "New")]
    history = History(views)
    assert [row["channel"] for row in history.ask("channel_audience")] == ["New", "Old"]


def test_an_audience_counts_each_device_and_subscriber_once_and_null_never() -> None:
    pairs = [("S1", 1), ("S1", 2), ("S2", 2), (None, 2), ("S1", None), (None, None)]
    views = [View(DAY, subscriber_code=subscriber, device_id=device) for subscriber, device in pairs]
    history = History(views)
    [row] = history.ask("channel_audience")
    [place] = history.ask("geography")
    [summary] = history.ask("general_summary")
    assert own(row) == {"channel": "Uno", "unique_devices": 2, "unique_subscribers": 2, "views": 6, "watch_hours": 1.0}
    assert (place["views"], place["unique_devices"], place["unique_subscribers"]) == (6, 2, 2)
    assert (summary["views"], summary["unique_devices"], summary["active_subscribers"]) == (6, 2, 2)


def test_hours_rank_within_their_channel_the_earlier_first_when_equal() -> None:
    views = [View(DAY, hour, channel_name=name) for name, hour in [("A", 9), ("A", 21), ("A", 3), ("A", 21), ("B", 5)]]
    history = History(views)
    found = history.ask("peak_hours")
    only = history.ask("peak_hours", channel="B")
    assert [(row["channel"], row["hour"], row["rank"]) for row in found] == [
        ("A", 21, 1),
        ("A", 3, 2),
        ("A", 9, 3),
        ("B", 5, 1),
    ]
    assert [own(row) for row in only] == [{"channel": "B", "hour": 5, "views": 1, "rank": 1}]


def test_the_longest_average_comes_first_and_is_not_rounded() -> None:
    durations = [("B", 10), ("B", 10), ("B", 11), ("A", 31), ("C", 31), ("D", None)]
    views = [View(DAY, channel_name=name, duration_seconds=seconds) for name, seconds in durations]
    history = History(views)
    found = history.ask("average_duration")
    assert [(row["channel"], row["average_seconds"]) for row in found] == [("A", 31.0), ("C", 31.0), ("B", 31 / 3)]


@pytest.mark.parametrize(
    ("granularity", "starts"),
    [
        ("daily", ["2025-12-28", "2025-12-29", "2026-01-01", "2026-01-03"]),
        ("weekly", ["2025-12-22", "2025-12-29"]),
        ("monthly", ["2025-12-01", "2026-01-01"]),
    ],
)
def test_weeks_are_iso_weeks_and_months_calendar_months_across_the_year(granularity: str, starts: list[str]) -> None:
    days = [date(2025, 12, 28), date(2025, 12, 29), date(2026, 1, 1), date(2026, 1, 3)]
    history = History([View(day) for day in days])
    found = history.ask("viewing_by_period", granularity=granularity)
    assert [row["period_start"] for row in found] == starts


def test_a_week_before_1970_begins_on_its_monday() -> None:
    """Devices whose clock was never set date their records so."""
    history = History([View(date(1969, 12, 31))])
    [row] = history.ask("viewing_by_period", granularity="weekly", window_days=None)
    assert row["period_start"] == "1969-12-29"


def test_slots_begin_at_0_6_12_and_18() -> None:
    views = [View(DAY, hour, duration_seconds=36, minute=1) for hour in (0, 5, 6, 11, 11, 12, 17, 18, 23, 23)]
    history = History(views)
    found = history.ask("time_slots")
    assert [(row["slot"], row["views"], row["share_pct"]) for row in found] == [
        ("madrugada", 2, 20.0),
        ("mañana", 3, 30.0),
        ("tarde", 2, 20.0),
        ("noche", 3, 30.0),
    ]
    assert [row["watch_hours"] for row in found] == [72 / 3600, 108 / 3600, 72 / 3600, 108 / 3600]


def test_a_view_that_ends_on_the_hour_is_of_the_slot_that_begins_and_was_watched_in_the_one_before() -> None:
    history = History([View(DAY, hour, duration_seconds=36) for hour in (6, 18, 18)])
    assert [(row["slot"], row["views"], row["watch_hours"]) for row in history.ask("time_slots")] == [
        ("madrugada", 0, 36 / 3600),
        ("mañana", 1, 0.0),
        ("tarde", 0, 72 / 3600),
        ("noche", 2, 0.0),
    ]


def test_a_place_needs_a_country_and_a_provider() -> None:
    places = [("MX", "Izzi"), ("MX", None), (None, "Izzi"), (None, None), ("CO", "Izzi")]
    history = History([View(DAY, country=country, isp=isp) for country, isp in places])
    found = history.ask("geography")
    assert [(row["country"], row["isp"], row["views"]) for row in found] == [("CO", "Izzi", 1), ("MX", "Izzi", 1)]


def test_sums_go_beyond_what_an_integer_of_the_table_holds() -> None:
    view = View(DAY, duration_seconds=2**31 - 1)
    history = History([view, replace(view, device_id=2), view])
    [row] = history.ask("average_duration")
    assert own(row) == {"channel": "Uno", "average_seconds": 2**31 - 1, "views": 3, "watch_hours": 3 * (2**31 - 1) / 3600}


def test_no_change_is_known_of_the_first_day_and_none_in_per_cent_after_a_day_without_views() -> None:
    found = History(on({-2: 2, 0: 3})).ask("day_over_day", window_days=3)
    assert [tuple(own(row).values()) for row in found] == [
        ("2026-01-01", 2, None, None, None),
        ("2026-01-02", 0, 2, -2, -100.0),
        ("2026-01-03", 3, 0, 3, None),
    ]


def test_an_anomaly_is_measured_against_the_days_that_have_views() -> None:
    history = History(on({-20: 1, -15: 1, -9: 1, 0: 9}))
    [row] = history.ask("anomalies", threshold_std=1.7)
    assert own(row) == {
        "date": "2026-01-03",
        "views": 9,
        "mean": 3.0,
        "std": pytest.approx(12**0.5),
        "z_score": pytest.approx(6 / 12**0.5),
        "direction": "above",
    }


def test_a_forecast_of_what_falls_evenly_has_a_band_without_width_and_stops_at_nothing() -> None:
    found = History(on({-3: 4, -2: 3, -1: 2, 0: 1})).ask("viewing_forecast", forecast_days=3)
    assert [row["views"] for row in found] == [4, 3, 2, 1, None, None, None]
    assert [row["moving_average_7d"] for row in found] == [4.0, 3.5, 3.0, 2.5, None, None, None]
    assert [row["trend"] for row in found] == pytest.approx([4, 3, 2, 1, 0, -1, -2], abs=1e-9)
    for column in ("forecast", "lower", "upper"):
        assert [row[column] for row in found[:4]] == [None] * 4
        assert [row[column] for row in found[4:]] == pytest.approx([0, 0, 0], abs=1e-9)
