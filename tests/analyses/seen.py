"""What an analysis is asked about: the views of a period that count, as the cap leaves them, and what is known of its days."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from functools import cached_property
from math import floor
from typing import Literal
from zoneinfo import ZoneInfo

from analyses.oracle import MICROSECOND, View, bounds, by_date, cut, distinct

from telemetry_pipeline.days import EVERYTHING, Completeness, Period

Cap = float | Literal["auto"] | None

LEAST_CAP = 4 * 3600
"""Seconds that the cap "auto" is at least."""


@dataclass(frozen=True)
class Seen:
    """What an analysis is asked about: a history, a period of it, and what is known of its days.

    :ivar cap: longest that a view counts: hours, "auto", or None.
    :ivar small_base: fewer subscribers than these are a small base.
    """

    history: tuple[View, ...]
    period: Period
    zone: ZoneInfo
    known: Completeness = EVERYTHING
    cap: Cap = None
    small_base: int = 30

    @cached_property
    def watched(self) -> list[View]:
        """All that have a duration, of whatever day, as the cap leaves them."""
        timed = [v for v in self.history if v.duration_seconds is not None]
        if self.cap != "auto":
            return capped(timed, self.cap)
        return [cut(v, self.usual_seconds.get((v.channel_name, v.local_hour // 6), LEAST_CAP)) for v in timed]

    @cached_property
    def views(self) -> list[View]:
        """Those that count: that ended in the period."""
        return [v for v in self.watched if self.period.first <= v.local_date <= self.period.last]

    @cached_property
    def by_subscribers(self) -> list[View]:
        """Those whose subscriber is known."""
        return [v for v in self.views if v.subscriber_code is not None]

    @property
    def subscribers(self) -> int:
        """How many were active."""
        return distinct(v.subscriber_code for v in self.views)

    @cached_property
    def days(self) -> list[date]:
        """Every calendar day of the period; all history begins at the first day with views, and without one has no day."""
        if self.period.first > date.min:
            return self.period.days()
        if not self.views:
            return []
        return Period(min(v.local_date for v in self.views), self.period.last).days()

    @cached_property
    def _of_days(self) -> dict[date, list[View]]:
        return by_date(self.watched)

    def of_day(self, day: date) -> list[View]:
        """The views that ended on a day, of the period or not."""
        return self._of_days.get(day, [])

    @property
    def moment(self) -> datetime | None:
        """Up to which all is known, in UTC without saying so."""
        until = self.known.known_until
        return until and until.astimezone(UTC).replace(tzinfo=None)

    def has_gap(self, day: date) -> bool:
        return any(first <= day <= last for first, last in self.known.gaps)

    def complete(self, day: date) -> bool:
        """Whether all of it was read. The first day of data, of which nobody knows when it began, never is."""
        known = self.known
        if known == EVERYTHING:
            return True
        if known.first_day is None or day <= known.first_day or self.has_gap(day):
            return False
        return day in known.repaired or (known.complete_before is not None and day < known.complete_before)

    def under_way(self, day: date) -> bool:
        """Whether it is not complete, and the moment lies in it."""
        if self.moment is None or self.complete(day):
            return False
        begin, end = bounds(day, self.zone)
        return begin <= self.moment < end

    def partial(self, day: date) -> bool:
        """Whether it is under way and known up to the moment."""
        return self.under_way(day) and day != self.known.first_day and not self.has_gap(day)

    def elapsed(self, day: date) -> timedelta:
        """How much of a day that is under way has passed."""
        assert self.moment is not None
        return self.moment - bounds(day, self.zone)[0]

    def to_come(self, day: date) -> bool:
        """Whether it begins after the moment."""
        return self.moment is not None and not self.complete(day) and bounds(day, self.zone)[0] > self.moment

    def passed(self, day: date) -> Fraction:
        """How much of a day there was: less than 1 of one that is under way, 0 of one to come."""
        if self.under_way(day):
            begin, end = bounds(day, self.zone)
            return Fraction(self.elapsed(day) // MICROSECOND, (end - begin) // MICROSECOND)
        return Fraction(not self.to_come(day))

    def alike(self, one: date, other: date) -> tuple[list[View], list[View]] | None:
        """The views of two days as far as both are known; None if of one of them nothing is."""
        if not all(self.complete(day) or self.partial(day) for day in (one, other)):
            return None
        for day in (one, other):
            if self.partial(day):
                return self.early(one, self.elapsed(day)), self.early(other, self.elapsed(day))
        return self.of_day(one), self.of_day(other)

    def early(self, day: date, elapsed: timedelta) -> list[View]:
        """The views that ended before so much of a day had passed."""
        return [v for v in self.of_day(day) if v.ended_at < bounds(day, self.zone)[0] + elapsed]

    def unfinished(self, days: Iterable[date]) -> bool:
        """Whether there is one among them that is not complete, and not before all data."""
        first = self.known.first_day
        return any(not self.complete(day) and (first is None or day >= first) for day in days)

    def small(self, subscribers: int) -> bool:
        """Whether they are too few to say much."""
        return subscribers < self.small_base

    @cached_property
    def _usual(self) -> list[View]:
        """The views, uncut, of which a cap is told: of the complete ones of the 28 days to the last complete day."""
        history = [v for v in self.history if v.duration_seconds is not None and v.local_date <= self.period.last]
        if not history:
            return []
        day, earliest = self.period.last, min(v.local_date for v in history)
        while day >= earliest and not self.complete(day):
            day -= timedelta(days=1)
        return [v for v in history if day - timedelta(days=27) <= v.local_date <= day and self.complete(v.local_date)]

    @cached_property
    def usual_seconds(self) -> dict[tuple[str | None, int], int]:
        """How long a view of a channel and daypart counts at the most with the cap "auto", where any tell."""
        durations: dict[tuple[str | None, int], list[int]] = {}
        for view in self._usual:
            durations.setdefault((view.channel_name, view.local_hour // 6), []).append(view.seconds)
        return {key: max(LEAST_CAP, percentile_99(values)) for key, values in durations.items()}


def percentile_99(values: list[int]) -> int:
    """In whole seconds, between two values as far as it is between them."""
    ordered = sorted(values)
    place = Fraction(99, 100) * (len(ordered) - 1)
    below = floor(place)
    above = min(below + 1, len(ordered) - 1)
    exact = ordered[below] + (place - below) * (ordered[above] - ordered[below])
    return floor(exact + Fraction(1, 2))


def capped(views: Iterable[View], cap_hours: float | None) -> list[View]:
    """The views as they are watched when a cap of so many hours is on."""
    if cap_hours is None:
        return list(views)
    return [v if v.duration_seconds is None else cut(v, round(cap_hours * 3600)) for v in views]
