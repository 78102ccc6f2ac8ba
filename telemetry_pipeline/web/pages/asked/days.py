"""Days that people choose: presets of them, and which others they are compared with. Takes values, returns values."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

from telemetry_pipeline.days import Period

_WEEK = timedelta(days=7)


def presets(today: date) -> Mapping[str, Period]:
    """Return days by the names that the catalogue has for them (``preset_7``), in the order in which they are offered."""
    yesterday = today - timedelta(days=1)
    month = today.replace(day=1)
    last_month = month - timedelta(days=1)
    return {
        "today": Period(today, today),
        "yesterday": Period(yesterday, yesterday),
        "7": Period(today - _WEEK, yesterday),
        "28": Period(today - 4 * _WEEK, yesterday),
        "week": Period(today - timedelta(days=today.weekday()), today),
        "month": Period(month, today),
        "last_month": Period(last_month.replace(day=1), last_month),
    }


def weekdays_before(period: Period) -> Period | None:
    """Return the same weekdays, as few whole weeks before as the periods do not overlap; None: the calendar begins later."""
    weeks = -(-period.length // 7)
    if period.first.toordinal() <= 7 * weeks:
        return None
    return Period(period.first - weeks * _WEEK, period.last - weeks * _WEEK)


def within(period: Period, first: date, last: date) -> Period | None:
    """Return the part of a period that is between two days; None: nothing is."""
    begin, end = max(period.first, first), min(period.last, last)
    return Period(begin, end) if begin <= end else None
