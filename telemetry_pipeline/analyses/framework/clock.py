"""The operator's clock over days of which not all is known: when each begins, ends, and up to when it is known.

Moments are in UTC and do not say so, as DuckDB has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from telemetry_pipeline.days import Completeness

_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Day:
    """A local day.

    :ivar complete: whether everything that there is of it was read.
    :ivar known_until: its end; of a day that is not complete up to when it is known; its start, if that lies before.
    :ivar comparable: whether the part up to ``known_until`` is known whole: not on the first day of data, nor in a gap.
    :ivar marked: whether what is told of it is provisional; what lies before all data is not.
    """

    date: date
    start: datetime
    end: datetime
    known_until: datetime
    complete: bool
    comparable: bool
    marked: bool

    @property
    def is_provisional(self) -> bool:
        """Whether it is known up to a moment, and not to its end."""
        return self.comparable and not self.complete

    @property
    def elapsed(self) -> timedelta:
        """How long the known part is."""
        return self.known_until - self.start


@dataclass(frozen=True)
class Pair:
    """Two days, and the ends of the parts of them that can be compared."""

    day: Day
    partner: Day
    until: datetime
    partner_until: datetime


def midnight(zone: ZoneInfo, day: date) -> datetime:
    """Return when a local day begins."""
    return _utc(datetime.combine(day, time.min, zone))


def day_of(zone: ZoneInfo, moment: datetime) -> date:
    """Return the local day of a moment."""
    return moment.replace(tzinfo=UTC).astimezone(zone).date()


def days_of(zone: ZoneInfo, known: Completeness, dates: Sequence[date]) -> list[Day]:
    """Return successive dates as days."""
    known_until = None if known.known_until is None else _utc(known.known_until)
    starts = [midnight(zone, each) for each in dates]
    ends = [*starts[1:], midnight(zone, dates[-1] + _DAY)] if dates else []
    days = []
    for each, start, end in zip(dates, starts, ends, strict=True):
        complete = known.is_complete(each)
        lacks_some = known.lacks_some(each)
        until = end if complete or known_until is None else min(max(known_until, start), end)
        days.append(
            Day(
                date=each,
                start=start,
                end=end,
                known_until=until,
                complete=complete,
                comparable=complete or (not lacks_some and known_until is not None and start <= known_until < end),
                marked=not complete and not (known.first_day is not None and each < known.first_day),
            )
        )
    return days


def pairs(days: Sequence[Day], partners: Sequence[Day]) -> list[Pair]:
    """Return each day with its partner, but for pairs of which a part is unknown.

    Complete days are compared whole, whatever the clock did; a provisional one with the same elapsed part of the other.
    """
    found = []
    for day, partner in zip(days, partners, strict=True):
        if not (day.comparable and partner.comparable):
            continue
        elapsed = min((each.elapsed for each in (day, partner) if not each.complete), default=None)
        until = day.end if elapsed is None else day.start + elapsed
        partner_until = partner.end if elapsed is None else partner.start + elapsed
        found.append(Pair(day, partner, until, partner_until))
    return found


def hours_of(zone: ZoneInfo, days: Sequence[Day]) -> pd.DataFrame:
    """Return the hours of successive days, as far as they are known: hour_start, hour_end, local_date, local_hour.

    They are counted from the first midnight, so a day on which the clock changes has 23 or 25 of them.
    """
    if not days:
        return pd.DataFrame(columns=["hour_start", "hour_end", "local_date", "local_hour"])
    first, end = (np.datetime64(moment, "us") for moment in (days[0].start, days[-1].end))
    starts = np.arange(first, end, np.timedelta64(1, "h"))
    spans = offsets(zone, days[0].start, days[-1].end)
    span = spans["span_start"].to_numpy().searchsorted(starts, side="right") - 1
    local = starts + spans["offset_seconds"].to_numpy()[span].astype("timedelta64[s]")
    dates = local.astype("datetime64[D]")
    number = (dates - np.datetime64(days[0].date)).astype(np.int64)
    known_until, day_ends = (
        np.array([getattr(day, name) for day in days], dtype="datetime64[us]") for name in ("known_until", "end")
    )
    ends = np.minimum(starts + np.timedelta64(1, "h"), end)
    # Where a clock changes by half an hour, an hour ends with another day than it begins in.
    over = (known_until[number] == day_ends[number]) & (day_ends[number] < ends)
    ends = np.minimum(ends, known_until[number + over])
    hours = pd.DataFrame(
        {
            "hour_start": starts,
            "hour_end": ends,
            "local_date": dates.astype(object),
            "local_hour": (local - dates).astype("timedelta64[h]").astype(np.int64),
        }
    )
    passed: pd.DataFrame = hours[starts < ends]
    return passed.reset_index(drop=True)


def bounds_of(hours: pd.DataFrame) -> dict[str, Any]:
    """Return where the first of some hours of :func:`hours_of` begins and the last ends, as ``begin`` and ``end``."""
    return {"begin": hours["hour_start"].iloc[0], "end": hours["hour_end"].iloc[-1]}


def offsets(zone: ZoneInfo, begin: datetime, end: datetime) -> pd.DataFrame:
    """Return spans in which the local clock is a fixed time ahead of UTC, which together are all time.

    span_start and span_end, and offset_seconds; exact from *begin* to *end*, beyond which the first and the last go on.
    """
    changes = [datetime(1, 1, 1)]
    values = [_offset(zone, begin)]
    low = begin
    while low < end:
        high = min(low + _DAY, end)
        if _offset(zone, high) != values[-1]:
            changes.append(_change(zone, low, high))
            values.append(_offset(zone, high))
        low = high
    ends = [*changes[1:], datetime(9999, 12, 31)]
    frame = pd.DataFrame({"span_start": changes, "span_end": ends, "offset_seconds": values})
    return frame.astype({"span_start": "datetime64[us]", "span_end": "datetime64[us]", "offset_seconds": "int64"})


def dates_between(first: date, last: date) -> list[date]:
    """Return every date, both included; none if the first is after the last."""
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def parts_frame(parts: Iterable[tuple[date, bool, datetime]]) -> pd.DataFrame:
    """Return parts of days to compare, for SQL: local_date, is_last (is it of the later of two spans?) and until, where it
    ends.
    """
    frame = pd.DataFrame(list(parts), columns=["local_date", "is_last", "until"])
    return frame.astype({"local_date": "datetime64[us]", "is_last": bool, "until": "datetime64[us]"})


def marked(days: Iterable[Day]) -> set[date]:
    """Return the dates of which what is told is provisional."""
    return {day.date for day in days if day.marked}


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> datetime:
    """Return when, within a day, the offset changes to that at *high*."""
    target = _offset(zone, high)
    while high - low > timedelta.resolution:
        middle = low + (high - low) // 2
        if _offset(zone, middle) == target:
            high = middle
        else:
            low = middle
    return high


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    difference = moment.replace(tzinfo=UTC).astimezone(zone).utcoffset() or timedelta()
    return round(difference.total_seconds())


def _utc(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(tzinfo=None)
