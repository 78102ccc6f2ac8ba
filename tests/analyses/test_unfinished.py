"""Days of which not all is known (unfinished, the first one, with a gap) are compared with nothing that is not like them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from analyses.conftest import DAY, History
from analyses.oracle import View
from viewing import LONG_AGO, by, column, each_day, ended, known_until, last

from telemetry_pipeline.days import Completeness, Period

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


def test_the_month_in_which_data_begin_is_provisional_though_the_first_view_that_counts_is_of_a_later_day() -> None:
    """On the first day of data only a view without a duration had ended, and the month looked whole."""
    first, later = View(date(2025, 7, 14), duration_seconds=None), View(date(2025, 7, 25))
    known = Completeness(complete_before=date(2025, 10, 1), first_day=first.local_date)
    everything = Period(date.min, date(2025, 9, 8))
    rows = History([first, later, View(date(2025, 8, 2))], known=known).ask(
        "viewing_by_period", everything, granularity="monthly"
    )
    assert [(row["period_start"], row["provisional"]) for row in rows] == [("2025-07-01", True), ("2025-08-01", False)]
