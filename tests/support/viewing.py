"""Views on days around ``DAY``, what is known of these days, and columns of the rows that come of them."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from typing import Any

from analyses.conftest import DAY, ZONE
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


def on(days: dict[int, int], **others: Any) -> list[View]:
    """So many views on the days that are so far from ``DAY``."""
    return [View(DAY + timedelta(days=n), **others) for n, count in days.items() for _view in range(count)]
