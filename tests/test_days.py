"""Which days may be asked for, and in which words the others are refused, whoever asks."""

from __future__ import annotations

import pickle
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from telemetry_pipeline.days import AllowedDays, Period, asked_period, parse_day, today
from telemetry_pipeline.errors import DaysRefused, RequestRefused

ALLOWED = AllowedDays(date(2026, 1, 1), date(2026, 11, 21), "America/Mexico_City")
SAID = "allowed are 2026-01-01 (FIRST_PARTITION) to 2026-11-21 (today in America/Mexico_City)"


@pytest.mark.parametrize("day", ["20260131", "2026-W05-6", "2026-02-30", "31.01.2026", "", "2026-1-31", datetime(2026, 1, 31)])
def test_a_day_is_written_in_one_way(day: Any) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse_day(day)
    assert str(refused.value) == f"{str(day)!r} is not a day such as 2026-01-31"
    assert parse_day("2026-01-31") == parse_day(date(2026, 1, 31)) == date(2026, 1, 31)


def test_a_partition_is_a_period_of_one_day_and_no_days_are_none() -> None:
    day = date(2026, 5, 5)
    assert asked_period(day, None, None) == asked_period(None, "2026-05-05", day) == Period(day, day)
    assert asked_period(None, "2026-05-05", "2026-05-07") == Period(day, date(2026, 5, 7))
    assert asked_period(None, None, None) is None


@pytest.mark.parametrize(
    ("asked", "complaint"),
    [
        pytest.param((None, "2026-05-05", None), "a range needs both its first and its last day", id="half a range"),
        pytest.param(("2026-05-05", "2026-05-05", "2026-05-05"), "either a partition or a range, not both", id="both"),
        pytest.param((None, "2026-05-06", "2026-05-05"), "cannot begin on 2026-05-06 and end on 2026-05-05", id="backwards"),
        pytest.param(("2025-12-31", None, None), "there is no partition 2025-12-31", id="before the first"),
        pytest.param(("2026-11-22", None, None), "there is no partition 2026-11-22", id="tomorrow"),
        pytest.param((None, "2026-11-21", "2026-11-22"), "there is no partition 2026-11-22", id="to tomorrow"),
        pytest.param(("yesterday", None, None), "'yesterday' is not a day such as", id="no day"),
    ],
)
def test_every_refusal_says_which_days_are_allowed_and_why(asked: tuple[Any, Any, Any], complaint: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        ALLOWED.asked(*asked)
    assert complaint in str(refused.value)
    assert str(refused.value).endswith(SAID)


def test_the_first_and_the_last_allowed_day_are_let_through() -> None:
    assert ALLOWED.asked(None, "2026-01-01", "2026-11-21") == Period(ALLOWED.first, ALLOWED.last)
    assert ALLOWED.asked(None, None, None) is None


def test_today_is_the_operators() -> None:
    """Two zones whose days always differ."""
    east, west = today(ZoneInfo("Pacific/Kiritimati")), today(ZoneInfo("Pacific/Pago_Pago"))
    assert west in (east - timedelta(days=1), east - timedelta(days=2))
    allowed = AllowedDays.until_today(date(2026, 1, 1), ZoneInfo("Pacific/Kiritimati"))
    assert allowed.last in (east, east + timedelta(days=1))
    assert "(today in Pacific/Kiritimati)" in str(allowed)


def test_a_refusal_of_days_is_the_same_from_another_process() -> None:
    """The processes that compute hand their errors over."""
    with pytest.raises(DaysRefused) as caught:
        parse_day("31.1.2026")
    refused = caught.value.advised("give another")
    other = pickle.loads(pickle.dumps(refused))
    assert (other.problem, other.advice, other.rule, other.values) == (
        refused.problem,
        "give another",
        "not_a_day",
        {"text": "31.1.2026"},
    )
