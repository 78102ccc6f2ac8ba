"""What makes a figure right, in single claims with numbers that were worked out by hand."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from analyses.conftest import DAY, ZONE, History
from analyses.oracle import Row, View

from telemetry_pipeline.days import Completeness, Period

LONG_AGO = date(2025, 1, 1)


def ended(days: int, clock: str, hours: float = 0.5, **others: Any) -> View:
    """A view so long that ends at a time of the day that is so far from ``DAY``."""
    end = time.fromisoformat(clock)
    minute_and_second: dict[str, Any] = {"minute": end.minute, "second": end.second}
    return View(DAY + timedelta(days=days), end.hour, round(hours * 3600), **minute_and_second, **others)


def each_day(counts: dict[int, int], clock: str = "00:10") -> list[View]:
    """So many views on the days that are so far from ``DAY``."""
    return [ended(days, clock, 0.25) for days, count in counts.items() for _view in range(count)]


def known_until(clock: str, **others: Any) -> Completeness:
    """Everything up to a time of ``DAY``."""
    return Completeness(datetime.combine(DAY, time.fromisoformat(clock), ZONE), DAY, **{"first_day": LONG_AGO, **others})


def last(days: int) -> Period:
    """The last days."""
    return Period(DAY - timedelta(days=days - 1), DAY)


def column(rows: list[Row], name: str) -> list[Any]:
    return [row[name] for row in rows]


def by(rows: list[Row], key: str, *names: str, **where: Any) -> dict[Any, tuple[Any, ...]]:
    """Some columns by another, of the rows that have some values."""
    return {row[key]: tuple(row[name] for name in names) for row in rows if where.items() <= row.items()}


def crowd(subscribers: int, **others: Any) -> list[View]:
    return [View(DAY, subscriber_code=f"S{n}", **others) for n in range(subscribers)]


# Clock time


def test_the_night_of_a_box_left_on_is_not_all_morning() -> None:
    found = by(History([ended(0, "07:00", 17)]).ask("time_slots"), "slot", "watch_hours", "views")
    assert found == {"madrugada": (6.0, 0), "mañana": (1.0, 1), "tarde": (4.0, 0), "noche": (6.0, 0)}


def test_a_share_of_slots_is_of_the_views_that_ended_in_them() -> None:
    found = by(History([ended(0, "07:00", 17), ended(0, "20:00")]).ask("time_slots"), "slot", "share_pct")
    assert found == {"madrugada": (0.0,), "mañana": (50.0,), "tarde": (0.0,), "noche": (50.0,)}


def test_a_profile_has_the_hours_in_which_something_was_watched_and_that_in_which_it_ended() -> None:
    found = History([ended(0, "02:00", 3)]).ask("subscriber_profile", subscriber_code="S1")
    hours = by(found, "item", "views", "watch_hours", section="hour")
    assert hours == {"0": (0, 1.0), "1": (0, 1.0), "2": (1, 0.0), "23": (0, 1.0)}
    slots = by(found, "item", "views", "watch_hours", section="slot")
    assert slots == {"madrugada": (1, 2.0), "mañana": (0, 0.0), "tarde": (0, 0.0), "noche": (0, 1.0)}


def test_the_slots_of_a_subscriber_in_a_period_are_of_the_clock_too() -> None:
    found = History([ended(0, "07:00", 17)]).ask("subscriber_period", last(1), subscriber_code="S1")
    slots = by(found, "item", "views", "watch_hours", section="slot")
    assert slots == {"madrugada": (0, 6.0), "mañana": (1, 1.0), "tarde": (0, 4.0), "noche": (0, 6.0)}


def test_the_night_in_which_an_hour_comes_twice_has_seven_hours_before_six() -> None:
    """In New York, from 22:00 to 06:00."""
    zone, day = "America/New_York", date(2025, 11, 2)
    history = History([View(day, 6, 9 * 3600, zone=zone)], ZoneInfo(zone))
    assert by(history.ask("time_slots", day), "slot", "watch_hours") == {
        "madrugada": (7.0,),
        "mañana": (0.0,),
        "tarde": (0.0,),
        "noche": (2.0,),
    }


def test_nobody_watches_in_an_hour_that_is_left_out() -> None:
    """In Madrid, from 23:00 to 07:00."""
    zone, day = "Europe/Madrid", date(2026, 3, 29)
    history = History([View(day, 7, 7 * 3600, zone=zone)], ZoneInfo(zone))
    found = by(history.ask("subscriber_profile", day, subscriber_code="S1"), "item", "watch_hours", section="hour")
    assert found == dict.fromkeys(("0", "1", "3", "4", "5", "6", "23"), (1.0,)) | {"7": (0.0,)}


def test_a_cap_takes_off_the_last_hours_of_a_view() -> None:
    found = by(History([ended(0, "07:00", 17)], cap_hours=5).ask("time_slots"), "slot", "watch_hours", "views")
    assert found == {"madrugada": (0.0, 0), "mañana": (0.0, 1), "tarde": (4.0, 0), "noche": (1.0, 0)}


# Audience looks ahead


def test_who_watches_over_midnight_is_of_the_audience_of_the_day_before() -> None:
    found = History([ended(1, "01:00", 2)]).ask("average_audience", window_days=1)
    assert by(found, "hour", "subscriber_minutes", "minutes", "average_audience") == {23: (60.0, 60, 1.0)}


def test_a_stream_over_midnight_is_one_of_the_streams_of_the_day_before() -> None:
    found = History([ended(1, "01:00", 2)]).ask("concurrency", window_days=1)
    assert by(found, "hour", "peak_streams", "mean_streams") == {None: (1, pytest.approx(1 / 24)), 23: (1, 1.0)}


def test_a_universe_is_of_those_with_a_view_that_ended_in_the_window_or_was_running_in_it() -> None:
    """Else three who watch over midnight would be three hundred per cent of the one who does not."""
    views = [ended(1, "01:00", 2), ended(0, "12:00", 0.5, subscriber_code="S2")]
    found = History(views).ask("rating", window_days=1)
    assert by(found, "hour", "average_audience", "universe", "rating_pct") == {11: (0.5, 2, 25.0), 23: (1.0, 2, 50.0)}
    assert by(History(views[:1]).ask("rating", window_days=1), "hour", "universe", "rating_pct") == {23: (1, 100.0)}


def test_a_view_that_ended_within_a_day_after_the_window_counts_and_one_a_second_later_does_not() -> None:
    within, after = ended(1, "23:00", 24), ended(2, "00:00", 25)
    assert by(History([within]).ask("average_audience", window_days=1), "hour", "subscriber_minutes") == {23: (60.0,)}
    assert History([after]).ask("average_audience", window_days=1) == []
    assert History([after]).ask("concurrency", window_days=1) == []


def test_what_counts_of_a_box_left_on_is_of_the_evening_in_which_it_was_watched() -> None:
    """It is reported when it is switched off, long after what counts of it was over."""
    left_on = ended(1, "15:00", 17)
    found = History([left_on], cap_hours=4).ask("average_audience", window_days=1)
    assert by(found, "hour", "subscriber_minutes") == {22: (60.0,), 23: (60.0,)}
    assert History([ended(2, "00:00", 26)], cap_hours=4).ask("average_audience", window_days=1) == []


# The unfinished day


def test_an_unfinished_day_is_compared_with_as_much_of_the_day_before() -> None:
    views = [*each_day({-1: 3, 0: 4}), *each_day({-1: 1}, "00:23"), *each_day({-1: 10}, "20:00")]
    found = History(views, known=known_until("00:23")).ask("day_over_day", window_days=2)
    assert [tuple(row.values())[:-1] for row in found] == [
        ("2026-01-02", 14, None, None, None, False),
        ("2026-01-03", 4, 3, 1, pytest.approx(100 / 3), True),
    ]


def test_an_unfinished_day_is_no_anomaly() -> None:
    views = each_day({-n: 10 + 2 * (n % 2) for n in range(1, 11)} | {0: 1})
    assert column(History(views).ask("anomalies"), "date") == ["2026-01-03"]
    assert History(views, known=known_until("00:23")).ask("anomalies") == []


def test_an_anomaly_is_measured_without_the_unfinished_day() -> None:
    """Of 9 days with a view and one with 11 the mean is 2, the standard deviation 3."""
    views = each_day({-n: 1 for n in range(2, 11)} | {-1: 11, 0: 5})
    [row] = History(views, known=known_until("00:23")).ask("anomalies", threshold_std=2)
    assert (row["date"], row["mean"], row["std"], row["z_score"]) == ("2026-01-02", 2.0, pytest.approx(3), pytest.approx(3))


def test_an_unfinished_day_is_neither_a_peak_nor_a_valley() -> None:
    """The three days before have a sample standard deviation of 1."""
    views = each_day({-3: 10, -2: 11, -1: 12, 0: 1})
    found = History(views, known=known_until("00:23")).ask("period_events", last(4), threshold_std=0.5)
    assert [tuple(row[name] for name in ("views", "z_score", "is_peak", "is_valley", "provisional")) for row in found] == [
        (10, pytest.approx(-1), False, True, False),
        (11, 0.0, False, False, False),
        (12, pytest.approx(1), True, False, False),
        (1, None, False, False, True),
    ]


def test_an_unfinished_day_does_not_break_a_trend() -> None:
    views = each_day({-4: 1, -3: 2, -2: 3, -1: 4, 0: 1})
    [row] = History(views, known=known_until("00:23")).ask("period_trend", last(5))
    assert (row["direction"], row["slope"], row["r_squared"]) == ("creciente", pytest.approx(1), pytest.approx(1))
    assert (row["first_day_views"], row["last_day_views"], row["change"], row["change_pct"]) == (1, 4, 3, 300.0)


def test_an_unfinished_period_is_compared_with_the_same_part_of_the_one_before() -> None:
    """Of the pairs of days, one is of whole days and one of 23 minutes each."""
    views = [
        *(ended(-1, "20:00", 1, subscriber_code=code) for code in ("S1", "S2")),
        ended(-3, "21:00", 1),
        ended(0, "00:20", 1, subscriber_code="S3"),
        ended(-2, "00:22:59", 3),
        *(ended(-2, "00:23", 1, subscriber_code=f"late {n}") for n in range(5)),
    ]
    found = History(views, known=known_until("00:23")).ask("period_comparison", last(2))
    assert [tuple(row.values())[:-1] for row in found] == [
        ("views", 3.0, 2.0, 1.0, 50.0, "aumento"),
        ("subscribers", 3.0, 1.0, 2.0, 200.0, "aumento"),
        ("watch_hours", 3.0, 4.0, -1.0, -25.0, "disminución"),
    ]


def test_a_day_of_which_nothing_is_known_is_compared_with_nothing() -> None:
    views = each_day({-1: 4, 0: 3})
    found = History(views, known=known_until("00:23", gaps=((DAY, DAY),))).ask("period_comparison", last(1))
    assert tuple(found[0].values())[:-1] == ("views", 3.0, None, None, None, None)


def test_a_forecast_begins_with_the_unfinished_day() -> None:
    views = each_day({-4: 2, -3: 4, -2: 6, -1: 8, 0: 1})
    found = History(views, known=known_until("00:23")).ask("viewing_forecast", forecast_days=2)
    assert column(found, "date")[-2:] == ["2026-01-03", "2026-01-04"]
    assert column(found, "views") == [2, 4, 6, 8, None, None]
    assert column(found, "forecast") == [None] * 4 + [pytest.approx(10), pytest.approx(12)]
    assert column(found, "provisional") == [False] * 4 + [None, None]


def test_who_did_not_watch_yet_today_has_not_left() -> None:
    """Three views of yesterday evening have no counterpart after 23 minutes; three of its first 23 minutes have."""
    known = known_until("00:23")
    assert History(each_day({-1: 3}, "20:00"), known=known).ask("churn_risk", window_days=2) == []
    [row] = History(each_day({-1: 3}), known=known).ask("churn_risk", window_days=2)
    assert (row["views_previous"], row["views_last"], row["last_seen"], row["risk"]) == (3, 0, "2026-01-02", "high")


def test_a_subscriber_s_unfinished_day_has_no_score_and_is_no_part_of_the_trend() -> None:
    """Of 2 and 4 views a day, the standard deviation is 1."""
    history = History(each_day({-2: 2, -1: 4, 0: 1}), known=known_until("00:23"))
    found = history.ask("subscriber_period", last(3), subscriber_code="S1")
    assert column([row for row in found if row["section"] == "day"], "value") == [pytest.approx(-1), pytest.approx(1), None]
    assert by(found, "section", "value", "label")["trend"] == (pytest.approx(100), "creciente")


def test_an_audience_is_over_the_minutes_that_have_passed() -> None:
    history = History([ended(0, "20:15", 0.25)], known=known_until("20:30"))
    found = history.ask("average_audience", window_days=1)
    assert by(found, "hour", "subscriber_minutes", "minutes", "average_audience") == {20: (15.0, 30, 0.5)}


def test_streams_at_a_time_are_over_the_time_of_the_day_that_has_passed() -> None:
    """A quarter of an hour of the twelve hours and a half that have passed."""
    found = History([ended(0, "12:15", 0.25)], known=known_until("12:30")).ask("concurrency", window_days=1)
    assert by(found, "hour", "mean_streams", "provisional") == {None: (pytest.approx(0.02), True), 12: (0.5, True)}


def test_days_to_come_do_not_thin_an_audience() -> None:
    history = History([ended(0, "20:15", 0.25), ended(-1, "20:30", 0.5)], known=known_until("20:30"))
    found = history.ask("average_audience", Period(DAY - timedelta(days=1), DAY + timedelta(days=5)))
    assert by(found, "hour", "minutes", "average_audience") == {20: (90, 0.5)}


def test_views_a_day_are_of_the_days_as_far_as_they_have_passed() -> None:
    history = History(each_day({-1: 2, 0: 1}), known=known_until("12:00"))
    [row] = history.ask("period_summary", Period(DAY - timedelta(days=1), DAY + timedelta(days=1)))
    assert (row["days"], row["views"], row["views_per_day"]) == (3, 3, pytest.approx(2))


def test_a_week_is_provisional_by_its_last_day() -> None:
    found = History(each_day({-7: 1, -1: 1, 0: 1}), known=known_until("12:00")).ask("viewing_by_period", granularity="weekly")
    assert by(found, "period_start", "views", "provisional") == {"2025-12-22": (1, False), "2025-12-29": (2, True)}


def test_a_week_is_not_provisional_by_a_day_behind_the_window() -> None:
    history = History(each_day({-2: 1, -1: 1, 0: 1}), known=known_until("12:00"))
    found = history.ask("period_breakdown", Period(DAY - timedelta(days=2), DAY - timedelta(days=1)), granularity="weekly")
    assert by(found, "period_start", "views", "provisional") == {"2025-12-29": (2, False)}


# The first day of data, and gaps


def test_nothing_is_compared_with_the_first_day_of_data() -> None:
    """Nobody knows which part of it there is."""
    known = known_until("12:00", first_day=DAY - timedelta(days=2))
    found = History(each_day({-2: 1, -1: 5, 0: 10}), known=known).ask("day_over_day", window_days=4)
    assert [tuple(row.values())[1:-1] for row in found] == [
        (0, None, None, None, False),
        (1, 0, None, None, True),
        (5, 1, None, None, False),
        (10, 5, 5, 100.0, True),
    ]


def test_a_trend_begins_behind_the_first_day_of_data() -> None:
    known = known_until("12:00", first_day=DAY - timedelta(days=3))
    [row] = History(each_day({-3: 9, -2: 1, -1: 2}), known=known).ask("period_trend", last(4))
    assert (row["slope"], row["first_day_views"], row["last_day_views"]) == (pytest.approx(1), 1, 2)


def test_a_day_with_a_gap_is_no_valley() -> None:
    gap = DAY - timedelta(days=2)
    found = History(each_day({-4: 10, -3: 11, -2: 1, -1: 12}), known=known_until("00:23", gaps=((gap, gap),)))
    rows = found.ask("period_events", last(5), threshold_std=0.5)
    assert by(rows, "date", "z_score", "is_valley", "provisional")["2026-01-01"] == (None, False, True)
    assert column(rows, "z_score") == [pytest.approx(-1), 0.0, None, pytest.approx(1)]


def test_a_day_with_a_gap_has_no_change_and_gives_none_to_the_day_behind() -> None:
    gap = DAY - timedelta(days=2)
    history = History(each_day({-3: 5, -2: 1, -1: 5, 0: 5}), known=known_until("12:00", gaps=((gap, gap),)))
    found = by(history.ask("day_over_day", window_days=4), "date", "previous_views", "change")
    assert found == {"2025-12-31": (None, None), "2026-01-01": (5, None), "2026-01-02": (1, None), "2026-01-03": (5, 0)}


def test_a_day_with_a_gap_bends_no_line_and_lowers_no_average() -> None:
    gap = DAY - timedelta(days=2)
    history = History(each_day({-4: 2, -3: 4, -2: 1, -1: 8}), known=known_until("00:23", gaps=((gap, gap),)))
    found = history.ask("viewing_forecast", forecast_days=1)
    assert column(found, "views") == [2, 4, 1, 8, None]
    assert column(found, "moving_average_7d") == [2.0, 3.0, 3.0, pytest.approx(14 / 3), None]
    assert column(found, "trend") == pytest.approx([2, 4, 6, 8, 10])


def test_a_day_that_was_repaired_is_complete_though_the_days_around_are_not() -> None:
    known = Completeness(None, None, frozenset({DAY - timedelta(days=1), DAY}), first_day=LONG_AGO)
    found = by(History(each_day({-2: 1, -1: 4, 0: 5}), known=known).ask("day_over_day", window_days=3), "date", "change")
    assert found == {"2026-01-01": (None,), "2026-01-02": (None,), "2026-01-03": (1,)}


def test_before_any_sync_was_complete_no_day_is() -> None:
    known = Completeness(None, None, first_day=DAY - timedelta(days=1))
    found = History(each_day({-1: 4, 0: 5}), known=known).ask("day_over_day", window_days=2)
    assert by(found, "views", "change", "provisional") == {4: (None, True), 5: (None, True)}


# Small bases, and what is standard


@pytest.mark.parametrize(("subscribers", "small"), [(29, True), (30, False)])
@pytest.mark.parametrize(
    "name", ["general_summary", "channel_audience", "share", "viewing_by_period", "peak_hours", "anomalies"]
)
def test_a_figure_of_fewer_than_thirty_subscribers_is_of_a_small_base(name: str, subscribers: int, small: bool) -> None:
    views = crowd(subscribers) + crowd(subscribers) + each_day({-1: 1}, "20:00")
    parameters: dict[str, Any] = {"threshold_std": 0.5} if name == "anomalies" else {}
    assert column(History(views).ask(name, **parameters), "small_base")[-1] is small


def test_each_slot_has_a_base_of_its_own() -> None:
    views = crowd(30, local_hour=9) + crowd(29, local_hour=15)
    assert by(History(views).ask("time_slots"), "slot", "small_base") == {
        "madrugada": (True,),
        "mañana": (False,),
        "tarde": (True,),
        "noche": (True,),
    }


def test_an_audience_has_the_base_of_those_who_watched_in_the_hour() -> None:
    """All thirty watch before 20:00, one after."""
    views = [*crowd(29, local_hour=20), View(DAY, 20, 1200, subscriber_code="S29", minute=5)]
    found = by(History(views).ask("average_audience", window_days=1), "hour", "small_base")
    assert found == {19: (False,), 20: (True,)}


def test_a_subscriber_who_comes_twice_makes_a_base_no_larger() -> None:
    [row] = History(crowd(2) + crowd(2), small_base=3).ask("general_summary")
    assert row["small_base"] is True


def test_a_minute_is_enough_to_be_reached() -> None:
    views = [View(DAY, duration_seconds=60, subscriber_code="S1"), View(DAY, duration_seconds=59, subscriber_code="S2")]
    assert column(History(views).ask("reach"), "reached_subscribers") == [1, 1]


# The cap that tells itself


def watch_hours(history: History) -> float:
    [row] = history.ask("general_summary")
    hours: float = row["watch_hours"]
    return hours


def test_the_cap_is_the_longest_but_one_in_a_hundred() -> None:
    """Of 1, 1, 1 and 10 hours the 99th percentile is 97 hundredths of the way from 1 to 10: 9.73."""
    views = [*(ended(0, "20:00", 1) for _n in range(3)), ended(0, "20:00", 10)]
    assert watch_hours(History(views, cap_hours="auto")) == pytest.approx(12.73)


def test_the_cap_is_four_hours_where_views_are_short() -> None:
    views = [*(ended(0, "20:00", 1) for _n in range(100)), ended(0, "20:00", 10)]
    assert watch_hours(History(views, cap_hours="auto")) == pytest.approx(104)


def test_every_channel_and_daypart_has_a_cap_of_its_own() -> None:
    usual = [ended(0, "20:00", 1) for _n in range(100)]
    odd = [ended(0, "20:00", 10), ended(0, "17:59", 10), ended(0, "20:00", 10, channel_name="Dos")]
    assert watch_hours(History(usual + odd, cap_hours="auto")) == pytest.approx(100 + 4 + 10 + 10)


def test_an_unfinished_day_does_not_teach_the_cap() -> None:
    views = [ended(-1, "10:00", 1), ended(0, "10:00", 10)]
    history = History(views, cap_hours="auto", known=known_until("12:00"))
    assert watch_hours(history) == pytest.approx(5)
    assert watch_hours(History(views, cap_hours="auto")) == pytest.approx(1 + 9.91)


@pytest.mark.parametrize(("days", "hours"), [(-28, 9), (-29, 4)])
def test_the_cap_is_of_the_28_days_to_the_last_complete_one_whatever_the_window(days: int, hours: float) -> None:
    history = History([ended(days, "20:00", 9), ended(0, "20:00", 9)], cap_hours="auto", known=known_until("21:00"))
    [row] = history.ask("general_summary", window_days=1)
    assert row["watch_hours"] == pytest.approx(hours)
