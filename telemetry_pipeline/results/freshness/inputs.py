"""What a result is computed from: of which days, as they are committed, and what is known of them."""

from __future__ import annotations

import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date
from typing import Any

from telemetry_pipeline.analyses.framework import caps, clock
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Completeness, Period
from telemetry_pipeline.warehouse.core.segments import State


@dataclass(frozen=True)
class Inputs:
    """The days that decide what a result is.

    :ivar whole: those all of whose views do.
    :ivar ahead: those after the period of whose views only they do that had begun before the day; None: none.
    """

    whole: Period
    ahead: Period | None

    @property
    def around(self) -> Period:
        """The shortest period that has all of them."""
        return self.whole if self.ahead is None else Period(self.whole.first, self.ahead.last)


def inputs(analysis: Analysis, period: Period, rules: Rules, known: Completeness) -> Inputs:
    """Return the days that the result of *period* is computed from."""
    whole = analysis.reads(period)
    if rules.cap.is_automatic and (days := caps.last_complete_days(known, period.last)):
        whole = Period.around([whole, Period(days[0], days[-1])])
    return Inputs(whole, rules.ahead(period) if analysis.looks_ahead else None)


def version(of: Inputs, state: State, rules: Rules) -> str:
    """Return twelve hexadecimal digits for the views that can be seen, what is known of their days, and how they count."""
    return versions([of], state, rules)[0]


def versions(of: Sequence[Inputs], state: State, rules: Rules) -> list[str]:
    """Return the :func:`version` of each of many, in time that grows with how many there are and not with how long they are."""
    if not of:
        return []
    known = state.known
    incomplete = _incomplete(known, Period.around([each.around for each in of]))
    moment = None if known.known_until is None else known.known_until.astimezone(UTC)

    def version(each: Inputs) -> str:
        parts = [rules.key, f"{changed(each, state)}"]
        if rules.cap.is_automatic:
            parts.append(f"{each.whole.first}")
        for period in (each.whole, each.ahead):
            if period is not None:
                days = incomplete[bisect_left(incomplete, period.first) : bisect_right(incomplete, period.last)]
                if known.first_day is None:
                    days = [period.last]
                parts.append(" ".join(map(str, days)))
                if period == each.whole and _have_moment(days, known):
                    parts.append(f"{moment}")
        return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]

    return [version(each) for each in of]


def changed(of: Inputs, state: State) -> int:
    """Return the version with which the views that can be seen changed last.

    A merge gives the days that it changes a number above all others, so the highest one says whether any of them did.
    """
    ahead = 0 if of.ahead is None else state.spilled(of.ahead.first, of.ahead.last)
    return max(state.changed(of.whole.first, of.whole.last), ahead)


def describe(of: Inputs, period: Period, known: Completeness, rules: Rules) -> dict[str, Any]:
    """Return what is to be said of a result whose days are not all complete; nothing, where they are.

    ``known_until`` is the moment up to which its last day is known, ``provisional_days`` are days of its period that are not
    complete, ``settled`` is false as long as views that count may still come.
    """
    days = _incomplete(known, period)
    said: dict[str, Any] = {}
    if days:
        said["provisional_days"] = [day.isoformat() for day in days]
        if known.known_until is not None and _have_moment(days, known):
            said["known_until"] = known.known_until.astimezone(rules.zone).isoformat(timespec="seconds")
    if of.ahead is not None and ({*days, *_incomplete(known, of.ahead)} - {known.first_day}):
        said["settled"] = False
    return said


def _incomplete(known: Completeness, period: Period) -> list[date]:
    """Return the days of a period that are not complete, from the first day of data on."""
    if known.first_day is None:
        return [period.last]
    first = max(period.first, known.first_day)
    candidates = {known.first_day} - {date.min}
    for begin, end in known.gaps:
        candidates.update(clock.dates_between(max(begin, first), min(end, period.last)))
    candidates.update(clock.dates_between(max(first, known.complete_before or first), period.last))
    return sorted(day for day in candidates if _within(day, period) and not known.is_complete(day))


def _have_moment(days: Sequence[date], known: Completeness) -> bool:
    """Return whether syncs are still to come to the end of one of some days, in order, that are not complete."""
    return bool(days) and (known.complete_before is None or days[-1] >= known.complete_before)


def _within(day: date, period: Period) -> bool:
    return period.first <= day <= period.last
