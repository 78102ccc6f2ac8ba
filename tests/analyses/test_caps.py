"""Of which days an automatic cap is told."""

from __future__ import annotations

from datetime import date, timedelta

from telemetry_pipeline.analyses.framework.caps import last_complete_days
from telemetry_pipeline.days import EVERYTHING, Completeness

DAY = date(2026, 1, 31)
LONG_AGO = date(2024, 1, 1)


def ago(days: int) -> date:
    return DAY - timedelta(days=days)


def known(complete_to: int = 0, first: date = LONG_AGO, gaps: tuple[tuple[date, date], ...] = ()) -> Completeness:
    """All is complete up to the day that is so many days ago."""
    return Completeness(None, ago(complete_to - 1), first_day=first, gaps=gaps)


def test_they_are_28_that_end_with_the_day_itself_where_it_is_complete() -> None:
    assert last_complete_days(EVERYTHING, DAY) == [ago(n) for n in range(27, -1, -1)]


def test_they_end_with_the_last_complete_day_before() -> None:
    for complete_to in (1, 3, 100):
        assert last_complete_days(known(complete_to), DAY) == [ago(n) for n in range(complete_to + 27, complete_to - 1, -1)]


def test_days_that_are_not_complete_among_the_28_are_left_out_and_no_others_take_their_place() -> None:
    gaps = ((ago(1), ago(0)), (ago(6), ago(5)), (ago(40), ago(40)))
    found = last_complete_days(known(gaps=gaps), DAY)
    assert found == [ago(n) for n in range(29, 1, -1) if n not in (5, 6)]


def test_the_first_day_of_data_is_none_of_them() -> None:
    assert last_complete_days(known(first=ago(2)), DAY) == [ago(1), ago(0)]
    assert last_complete_days(known(first=DAY), DAY) == []


def test_they_are_told_apart_from_later_days() -> None:
    assert last_complete_days(EVERYTHING, ago(9))[-1] == ago(9)


def test_where_no_day_is_complete_there_are_none() -> None:
    assert last_complete_days(Completeness(), DAY) == []


def test_at_the_beginning_of_the_calendar_there_are_fewer() -> None:
    assert last_complete_days(Completeness(None, date.max, first_day=date.min), date(1, 1, 3)) == [date(1, 1, 2), date(1, 1, 3)]
