"""The operator's clock over days of which not all is known, also where it is set forward and back."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.clock import Day
from telemetry_pipeline.days import EVERYTHING, Completeness

NEW_YORK = ZoneInfo("America/New_York")
SHORT, LONG = date(2026, 3, 8), date(2025, 11, 2)
"""Days of 23 and of 25 hours in New York."""
DAY = timedelta(days=1)


def at(day: date, hour: int, minute: int = 0, zone: ZoneInfo = NEW_YORK) -> datetime:
    """A local time, in UTC without saying so."""
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone).astimezone(UTC).replace(tzinfo=None)


def known_until(moment: datetime, zone: ZoneInfo = NEW_YORK, **others: Any) -> Completeness:
    """Everything up to a moment."""
    usual = {"complete_before": clock.day_of(zone, moment), "first_day": date(2020, 1, 1)}
    return Completeness(moment.replace(tzinfo=UTC), **{**usual, **others})


def days(known: Completeness, *dates: date, zone: ZoneInfo = NEW_YORK) -> list[Day]:
    return clock.days_of(zone, known, dates)


def pairs(known: Completeness, one: date, other: date) -> list[tuple[datetime, datetime]]:
    """The ends of what is compared of two days."""
    return [(pair.until, pair.partner_until) for pair in clock.pairs(days(known, one), days(known, other))]


def test_a_day_is_known_to_its_end_or_up_to_a_moment_or_not_at_all() -> None:
    moment = at(SHORT, 5, 30)
    found = days(known_until(moment), SHORT - DAY, SHORT, SHORT + DAY)
    assert [each.known_until for each in found] == [at(SHORT, 0), moment, at(SHORT + DAY, 0)]
    assert [(each.complete, each.is_provisional, each.comparable, each.marked) for each in found] == [
        (True, False, True, False),
        (False, True, True, True),
        (False, False, False, True),
    ]
    assert [each.elapsed for each in found] == [timedelta(hours=24), timedelta(hours=4.5), timedelta()]


def test_a_day_is_provisional_from_its_midnight_to_the_last_moment_before_the_next() -> None:
    midnight, tick = at(SHORT, 0), timedelta(microseconds=1)
    [day] = days(known_until(midnight), SHORT)
    assert (day.is_provisional, day.elapsed) == (True, timedelta())
    [day] = days(known_until(midnight - tick), SHORT)
    assert (day.is_provisional, day.elapsed) == (False, timedelta())
    [day] = days(known_until(midnight - tick), SHORT - DAY)
    assert (day.is_provisional, day.elapsed) == (True, timedelta(hours=24) - tick)
    [day] = days(known_until(midnight, complete_before=SHORT - DAY), SHORT - DAY)
    assert (day.complete, day.is_provisional) == (False, False)


@pytest.mark.parametrize("lacking", [{"first_day": SHORT}, {"gaps": ((SHORT - DAY, SHORT),)}], ids=["first day", "gap"])
def test_a_day_that_lacks_some_is_marked_and_never_comparable(lacking: dict[str, Any]) -> None:
    for moment in (at(SHORT, 12), at(SHORT + DAY, 12)):
        [day] = days(known_until(moment, **lacking), SHORT)
        assert (day.complete, day.comparable, day.is_provisional, day.marked) == (False, False, False, True)


def test_what_lies_before_all_data_is_not_marked() -> None:
    [before, first] = days(known_until(at(SHORT, 12), first_day=SHORT), SHORT - DAY, SHORT)
    assert (before.comparable, before.marked, first.marked) == (False, False, True)
    assert all(each.marked for each in days(Completeness(), SHORT - DAY, SHORT))


def test_complete_days_are_compared_whole_whatever_the_clock_did() -> None:
    assert pairs(EVERYTHING, SHORT, SHORT - DAY) == [(at(SHORT + DAY, 0), at(SHORT, 0))]
    assert pairs(EVERYTHING, LONG + DAY, LONG) == [(at(LONG + 2 * DAY, 0), at(LONG + DAY, 0))]


@pytest.mark.parametrize(
    ("day", "hour", "partner_hour"),
    [(SHORT, 5, 4), (LONG, 5, 6), (date(2026, 5, 5), 5, 5)],
    ids=["clock set forward", "clock set back", "no change"],
)
def test_a_provisional_day_is_compared_with_as_much_time_of_the_other(day: date, hour: int, partner_hour: int) -> None:
    known = known_until(at(day, hour, 30))
    assert pairs(known, day, day - DAY) == [(at(day, hour, 30), at(day - DAY, partner_hour, 30))]


def test_a_complete_day_is_compared_with_as_much_of_itself_as_is_known_of_its_partner() -> None:
    known = known_until(at(SHORT, 1), repaired=frozenset({SHORT + DAY}))
    assert pairs(known, SHORT + DAY, SHORT) == [(at(SHORT + DAY, 1), at(SHORT, 1))]


def test_a_pair_with_an_unknown_day_is_left_out_and_the_others_are_not() -> None:
    gap = SHORT - 2 * DAY
    known = known_until(at(SHORT, 1), gaps=((gap, gap),))
    dates = [SHORT - 3 * DAY + n * DAY for n in range(5)]
    found = clock.pairs(days(known, *dates[1:]), days(known, *dates[:-1]))
    assert [(pair.day.date, pair.partner.date) for pair in found] == [(SHORT, SHORT - DAY)]


def hours(known: Completeness, *dates: date, zone: ZoneInfo = NEW_YORK) -> list[tuple[date, int, timedelta]]:
    frame = clock.hours_of(zone, days(known, *dates, zone=zone))
    rows: Iterable[Any] = frame.itertuples(index=False)
    return [(row.local_date, row.local_hour, (row.hour_end - row.hour_start).to_pytimedelta()) for row in rows]


def test_a_day_has_as_many_hours_as_the_clock_gives_it() -> None:
    assert [hour for _, hour, _ in hours(EVERYTHING, SHORT)] == [0, 1, *range(3, 24)]
    assert [hour for _, hour, _ in hours(EVERYTHING, LONG)] == [0, 1, *range(1, 24)]
    assert clock.hours_of(NEW_YORK, []).empty


def test_of_an_hour_counts_what_has_passed_and_days_that_are_known_go_on_behind_it() -> None:
    known = known_until(at(SHORT, 10, 20), repaired=frozenset({SHORT + 2 * DAY}))
    found = hours(known, *(SHORT + n * DAY for n in range(-1, 4)))
    assert [sum(each[0] == SHORT + n * DAY for each in found) for n in range(-1, 4)] == [24, 10, 0, 24, 0]
    assert [each for each in found if each[2] != timedelta(hours=1)] == [(SHORT, 10, timedelta(minutes=20))]


def test_a_moment_on_the_hour_leaves_no_empty_hour() -> None:
    assert [hour for _, hour, _ in hours(known_until(at(SHORT, 3)), SHORT)] == [0, 1]
    assert hours(known_until(at(SHORT, 0)), SHORT) == []


@pytest.mark.parametrize(("known_to", "minutes"), [((0, 0), 30), ((0, 10), 40), ((3, 0), 60)], ids=str)
def test_an_hour_over_midnight_counts_as_far_as_both_days_are_known(known_to: tuple[int, int], minutes: int) -> None:
    """On Lord Howe the clock is set back by half an hour, and from then on hours from the first midnight begin at half past."""
    zone, day = ZoneInfo("Australia/Lord_Howe"), date(2026, 4, 5)
    found = hours(known_until(at(day + DAY, *known_to, zone=zone), zone), day, day + DAY, zone=zone)
    assert [each for each in found if each[0] == day][-1] == (day, 23, timedelta(minutes=minutes))


def spans(begin: datetime, end: datetime, zone: ZoneInfo = NEW_YORK) -> list[tuple[datetime, datetime, int]]:
    rows: Iterable[Any] = clock.offsets(zone, begin, end).itertuples(index=False)
    return [(row.span_start.to_pydatetime(), row.span_end.to_pydatetime(), row.offset_seconds // 3600) for row in rows]


EVER = (datetime(1, 1, 1), datetime(9999, 12, 31))


def test_an_offset_changes_with_the_clock_to_the_second_and_the_spans_are_all_time() -> None:
    change = datetime(2026, 3, 8, 7)
    assert spans(at(SHORT, 0), at(SHORT, 12)) == [(EVER[0], change, -5), (change, EVER[1], -4)]
    back = datetime(2025, 11, 2, 6)
    found = spans(at(LONG, 0) - 3 * DAY, at(SHORT, 12))
    assert found == [(EVER[0], back, -4), (back, change, -5), (change, EVER[1], -4)]


def test_one_offset_holds_for_ever_where_the_clock_does_not_change() -> None:
    assert spans(at(SHORT, 3), at(SHORT + DAY, 3)) == [(*EVER, -4)]
    assert spans(at(SHORT, 0), at(SHORT, 0)) == [(*EVER, -5)]
    assert spans(at(SHORT, 0), at(SHORT + DAY, 0), ZoneInfo("America/Mexico_City")) == [(*EVER, -6)]
