from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from analyses.conftest import Seen
from analyses.oracle import ORACLES, Row, View, expected
from hypothesis import given, settings
from hypothesis import strategies as st

from telemetry_pipeline.analyses.registry import all_analyses, find_analysis
from telemetry_pipeline.reports.rows import to_rows

DAY = date(2026, 1, 3)

# Names that a language's rules, or byte-wise habits, would order in another way than code points do.
NAMES = ["A", "a", "B", "b", "Á", "Ñu", "N z", "10", "9", "ab", "A b", "_"]

histories = st.lists(
    st.builds(
        View,
        local_date=st.sampled_from([DAY + timedelta(days=n) for n in (-40, -31, -30, -29, -7, -6, -5, -3, -2, -1, 0, 1)]),
        local_hour=st.integers(0, 23),
        duration_seconds=st.sampled_from([None, 0, 1, 7, 600, 62_721, 2**31 - 1]),
        channel_name=st.sampled_from([None, *NAMES]),
        subscriber_code=st.sampled_from([None, "S1", "S2", "S3"]),
        device_id=st.sampled_from([None, 1, 2, 3, 2**40]),
        country=st.sampled_from([None, "MX", "US"]),
        isp=st.sampled_from([None, *NAMES[:4]]),
        channel_id=st.integers(1, 2),
    ),
    max_size=40,
)
windows = st.sampled_from([None, 1, 2, 7, 30])
own_parameters: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "top_channels": {"limit": st.integers(1, 5) | st.just(10_000)},
    "peak_hours": {"channel": st.sampled_from([None, None, *NAMES, "never seen"])},
    "viewing_by_period": {"granularity": st.sampled_from(["daily", "weekly", "monthly"])},
}


def rows(connection: sa.Connection, name: str, partition: date = DAY, **parameters: Any) -> list[Row]:
    """What an analysis gives for a partition, as JSON would hold it."""
    analysis = find_analysis(name)
    values = analysis.parse(parameters)
    return to_rows(analysis.compute(connection, analysis.window(partition, values), values))


def test_every_analysis_has_an_oracle() -> None:
    assert set(ORACLES) == set(all_analyses())


@pytest.mark.parametrize("name", ORACLES)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_an_analysis_gives_what_its_oracle_gives(seen: Seen, name: str, data: st.DataObject) -> None:
    views = data.draw(histories, "views")
    own = {key: data.draw(values, key) for key, values in own_parameters.get(name, {}).items()}
    analysis = find_analysis(name)
    parameters = analysis.parse({"window_days": data.draw(windows, "window_days"), **own})
    period = analysis.window(DAY, parameters)
    with seen(views) as connection:
        frame = analysis.compute(connection, period, parameters)
    oracle = {key: getattr(parameters, key) for key in own}
    assert to_rows(frame) == expected(name, views, period, **oracle)


@settings(max_examples=40, deadline=None)
@given(views=histories)
def test_totals_agree_between_analyses(seen: Seen, views: list[View]) -> None:
    with seen(views) as connection:
        results = {name: rows(connection, name) for name in ORACLES}

    def total(name: str, column: str) -> Any:
        return sum(row[column] for row in results[name])

    [summary] = results["general_summary"]
    assert total("time_slots", "views") == total("viewing_by_period", "views") == summary["views"]
    for name in ("time_slots", "viewing_by_period"):
        assert total(name, "watch_hours") == pytest.approx(summary["watch_hours"])
    channels = total("channel_audience", "views")
    assert total("average_duration", "views") == total("peak_hours", "views") == total("top_channels", "views") == channels
    assert total("average_duration", "watch_hours") == pytest.approx(total("channel_audience", "watch_hours"))
    assert len(results["channel_audience"]) == len(results["average_duration"]) == summary["unique_channels"]
    assert total("top_channels", "share_pct") == pytest.approx(100 if channels else 0)
    assert total("time_slots", "share_pct") == pytest.approx(100) if summary["views"] else channels == 0


def test_totals_of_an_empty_period_are_zero_and_tables_are_empty(seen: Seen) -> None:
    with seen([View(DAY + timedelta(days=1)), View(DAY, duration_seconds=None)]) as connection:
        results = {name: rows(connection, name) for name in ORACLES}
    assert results.pop("general_summary") == [
        {"views": 0, "active_subscribers": 0, "unique_devices": 0, "unique_channels": 0, "watch_hours": 0.0}
    ]
    nothing = {"views": 0, "watch_hours": 0.0, "share_pct": None}
    assert results.pop("time_slots") == [{"slot": slot, **nothing} for slot in ("madrugada", "mañana", "tarde", "noche")]
    assert not any(results.values())


@pytest.mark.parametrize("views", [[], [View(DAY)]], ids=["empty", "one view"])
@pytest.mark.parametrize("name", ORACLES)
def test_columns_have_the_declared_names_order_and_types(seen: Seen, name: str, views: list[View]) -> None:
    analysis = find_analysis(name)
    with seen(views) as connection:
        frame = analysis.compute(connection, analysis.window(DAY, analysis.parse({})), analysis.parse({}))
    dtypes = {"bigint": "Int64", "double precision": "Float64", "text": "string", "date": "object"}
    assert [(column, str(frame[column].dtype)) for column in frame.columns] == [
        (column.name, dtypes[column.type]) for column in analysis.columns
    ]
    json.dumps(to_rows(frame), allow_nan=False)


@pytest.mark.parametrize("name", ORACLES)
def test_key_columns_name_a_row(seen: Seen, name: str) -> None:
    views = [View(DAY - timedelta(days=n), n, 60 + n, f"C{n % 3}", f"S{n % 4}", n % 5, "MX", f"I{n % 2}") for n in range(20)]
    analysis = find_analysis(name)
    key = [column.name for column in analysis.columns if column.key]
    with seen(views) as connection:
        found = [tuple(row[column] for column in key) for row in rows(connection, name)]
    assert len(found) > bool(key)
    assert len(set(found)) == len(found)


def test_a_window_ends_at_the_partition_and_holds_its_first_day(seen: Seen) -> None:
    views = [View(DAY + timedelta(days=n)) for n in (-400, -30, -29, 0, 1)]
    with seen(views) as connection:

        def seen_days(**parameters: Any) -> list[str]:
            return [row["period_start"] for row in rows(connection, "viewing_by_period", **parameters)]

        assert seen_days() == ["2025-12-05", "2026-01-03"]
        assert seen_days(window_days=31) == ["2025-12-04", "2025-12-05", "2026-01-03"]
        assert seen_days(window_days=1) == ["2026-01-03"]
        assert len(seen_days(window_days=None)) == 4


def test_channels_of_equal_views_rank_by_name_and_the_limit_cuts_behind_them(seen: Seen) -> None:
    views = [View(DAY, channel_name=name) for name in ("b", "Á", "B", "a", "a")]
    with seen(views) as connection:
        found = rows(connection, "top_channels", limit=3)
    assert [(row["rank"], row["channel"], row["share_pct"]) for row in found] == [
        (1, "a", 40.0),
        (2, "B", 20.0),
        (3, "b", 20.0),
    ]


def test_a_share_is_of_all_views_with_a_channel_listed_or_not(seen: Seen) -> None:
    views = [View(DAY, channel_name=name) for name in ("A", "A", "B", "C", None, None)]
    with seen(views) as connection:
        [first] = rows(connection, "top_channels", limit=1)
    assert first == {"channel": "A", "rank": 1, "views": 2, "share_pct": 50.0}


def test_a_renamed_channel_is_two_channels(seen: Seen) -> None:
    views = [View(DAY, channel_id=7, channel_name=name) for name in ("Old", "New", "New")]
    with seen(views) as connection:
        assert [row["channel"] for row in rows(connection, "channel_audience")] == ["New", "Old"]


def test_an_audience_counts_each_device_and_subscriber_once_and_null_never(seen: Seen) -> None:
    pairs = [("S1", 1), ("S1", 2), ("S2", 2), (None, 2), ("S1", None), (None, None)]
    views = [View(DAY, subscriber_code=subscriber, device_id=device) for subscriber, device in pairs]
    with seen(views) as connection:
        [row] = rows(connection, "channel_audience")
        [place] = rows(connection, "geography")
        [summary] = rows(connection, "general_summary")
    assert row == {"channel": "Uno", "unique_devices": 2, "unique_subscribers": 2, "views": 6, "watch_hours": 1.0}
    assert (place["views"], place["unique_devices"], place["unique_subscribers"]) == (6, 2, 2)
    assert (summary["views"], summary["unique_devices"], summary["active_subscribers"]) == (6, 2, 2)


def test_hours_rank_within_their_channel_the_earlier_first_when_equal(seen: Seen) -> None:
    views = [View(DAY, hour, channel_name=name) for name, hour in [("A", 9), ("A", 21), ("A", 3), ("A", 21), ("B", 5)]]
    with seen(views) as connection:
        found = rows(connection, "peak_hours")
        only = rows(connection, "peak_hours", channel="B")
    assert [(row["channel"], row["hour"], row["rank"]) for row in found] == [
        ("A", 21, 1),
        ("A", 3, 2),
        ("A", 9, 3),
        ("B", 5, 1),
    ]
    assert only == [{"channel": "B", "hour": 5, "views": 1, "rank": 1}]


def test_the_longest_average_comes_first_and_is_not_rounded(seen: Seen) -> None:
    durations = [("B", 10), ("B", 10), ("B", 11), ("A", 31), ("C", 31), ("D", None)]
    views = [View(DAY, channel_name=name, duration_seconds=seconds) for name, seconds in durations]
    with seen(views) as connection:
        found = rows(connection, "average_duration")
    assert [(row["channel"], row["average_seconds"]) for row in found] == [("A", 31.0), ("C", 31.0), ("B", 31 / 3)]


@pytest.mark.parametrize(
    ("granularity", "starts"),
    [
        ("daily", ["2025-12-28", "2025-12-29", "2026-01-01", "2026-01-03"]),
        ("weekly", ["2025-12-22", "2025-12-29"]),
        ("monthly", ["2025-12-01", "2026-01-01"]),
    ],
)
def test_weeks_are_iso_weeks_and_months_calendar_months_across_the_year(
    seen: Seen, granularity: str, starts: list[str]
) -> None:
    days = [date(2025, 12, 28), date(2025, 12, 29), date(2026, 1, 1), date(2026, 1, 3)]
    with seen([View(day) for day in days]) as connection:
        found = rows(connection, "viewing_by_period", granularity=granularity)
    assert [row["period_start"] for row in found] == starts


def test_a_week_before_1970_begins_on_its_monday(seen: Seen) -> None:
    """Devices whose clock was never set date their records so."""
    with seen([View(date(1969, 12, 31))]) as connection:
        [row] = rows(connection, "viewing_by_period", granularity="weekly", window_days=None)
    assert row["period_start"] == "1969-12-29"


def test_slots_begin_at_0_6_12_and_18(seen: Seen) -> None:
    views = [View(DAY, hour, duration_seconds=36) for hour in (0, 5, 6, 11, 11, 12, 17, 18, 23, 23)]
    with seen(views) as connection:
        found = rows(connection, "time_slots")
    assert [(row["slot"], row["views"], row["share_pct"]) for row in found] == [
        ("madrugada", 2, 20.0),
        ("mañana", 3, 30.0),
        ("tarde", 2, 20.0),
        ("noche", 3, 30.0),
    ]
    assert [row["watch_hours"] for row in found] == [72 / 3600, 108 / 3600, 72 / 3600, 108 / 3600]


def test_a_place_needs_a_country_and_a_provider(seen: Seen) -> None:
    places = [("MX", "Izzi"), ("MX", None), (None, "Izzi"), (None, None), ("CO", "Izzi")]
    with seen([View(DAY, country=country, isp=isp) for country, isp in places]) as connection:
        found = rows(connection, "geography")
    assert [(row["country"], row["isp"], row["views"]) for row in found] == [("CO", "Izzi", 1), ("MX", "Izzi", 1)]


def test_a_result_is_the_same_whatever_order_the_views_came_in(seen: Seen) -> None:
    views = [View(DAY, n % 24, n, NAMES[n % 7], f"S{n % 4}", n % 9, "MX", NAMES[n % 3]) for n in range(200)]

    def results(ordered: Iterable[View]) -> dict[str, list[Row]]:
        with seen(ordered) as connection:
            return {name: rows(connection, name) for name in ORACLES}

    assert results(views) == results(reversed(views))


def test_sums_go_beyond_what_an_integer_of_the_table_holds(seen: Seen) -> None:
    view = View(DAY, duration_seconds=2**31 - 1)
    with seen([view, replace(view, device_id=2), view]) as connection:
        [row] = rows(connection, "average_duration")
    assert row == {"channel": "Uno", "average_seconds": 2**31 - 1, "views": 3, "watch_hours": 3 * (2**31 - 1) / 3600}


@pytest.mark.parametrize("name", sorted(set(ORACLES) - {"general_summary", "time_slots", "viewing_by_period"}))
def test_the_order_of_names_does_not_depend_on_the_language_of_the_database(
    seen: Seen, views_engine: sa.Engine, name: str
) -> None:
    """The PostgreSQL of the suite knows no language's rules to try it with, so the statement itself is looked at."""
    statements: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        statements.append(statement)

    with seen([]) as connection:
        sa.event.listen(views_engine, "before_cursor_execute", listen)
        try:
            rows(connection, name)
        finally:
            sa.event.remove(views_engine, "before_cursor_execute", listen)
    names = [column for column in all_analyses()[name].columns if column.key and column.type == "text"]
    [statement] = statements
    assert statement.count('collate "C"') == len(names)
