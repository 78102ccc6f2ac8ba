"""What makes a figure right, in single claims with numbers that were worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from analyses.conftest import DAY, History
from analyses.oracle import View
from viewing import by, column, crowd, each_day, ended, known_until, last

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
