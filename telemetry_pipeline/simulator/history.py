"""The made-up past of an operator: when people watch, when their devices report it, and which ids that gets.

Seeded: the same options give the same bytes. The rhythm is that of the operator's local time; records are in the order
in which they arrived, so that a device that was offline brings old timestamps under new ids.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.columns import Integers
from telemetry_pipeline.simulator.events import Events, draw_ids, encode, others, views
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.population import RENAMED_RANKS, Population
from telemetry_pipeline.simulator.store import Segment

OPERATOR_TIMEZONE = ZoneInfo("America/Mexico_City")
# Beyond 32 bits, so that a consumer that is not ready for such ids fails here and not in production.
FIRST_ID = 5_000_000_000

_HOUR_WEIGHTS = np.array(
    [26, 15, 9, 6, 5, 7, 14, 24, 30, 31, 31, 33, 38, 44, 46, 42, 40, 44, 55, 72, 92, 100, 84, 52], dtype=np.float64
)
_WEEKDAY_WEIGHTS = np.array([0.92, 0.90, 0.93, 0.96, 1.08, 1.22, 1.18])
_PAIRED_SHARE = 0.46
_UNPAIRED_SHARE = 0.004
_FUTURE_SHARE = 0.0005
_OTHER_ACTIONS = {
    5: 0.2, 6: 0.2, 13: 0.12, 14: 0.07, 15: 0.05, 16: 0.1, 17: 0.06, 18: 0.04, 9: 0.04, 10: 0.04, 19: 0.04, 20: 0.04,
}  # fmt: skip
_RENAMED_AFTER = (0.55, 0.8)
# Late ids are among this many of the newest: what a cursor with a modest overlap must be able to pick up.
_LATE_AMONG = 500
_HOUR, _DAY = 3_600, 86_400


def generate(options: Options, population: Population, end: datetime) -> tuple[Segment, Segment]:
    """The history up to ``end``: what is visible at once, and the late ids."""
    rng = np.random.default_rng([options.seed, 1])
    last = int(end.timestamp())
    first = last - options.days * _DAY
    events = _happened(rng, population, options.records_count, first, last)
    ids = draw_ids(rng, FIRST_ID, len(events))
    late = np.zeros(len(events), dtype=np.bool_)
    newest = min(_LATE_AMONG, len(events) // 4)
    if options.late_seconds > 0 and newest:
        # The very last id stays visible: it is what makes the others late.
        chosen = rng.choice(newest, min(options.late_ids, newest // 2), replace=False)
        late[len(events) - 2 - chosen] = True
    return encode(rng, population, ids[~late], events.take(~late)), encode(rng, population, ids[late], events.take(late))


def renamed_since(population: Population, first: int, last: int) -> Integers:
    """By channel, the time from which on its starts carry its later name."""
    times = np.full(len(population.channels), last + 1, dtype=np.int64)
    for rank, share in zip(RENAMED_RANKS, _RENAMED_AFTER, strict=True):
        times[rank] = first + int(share * (last - first))
    return times


def _happened(rng: np.random.Generator, population: Population, size: int, first: int, last: int) -> Events:
    """All records in the order of arrival."""
    views_count = int(size * _PAIRED_SHARE)
    stopped = _draw_times(rng, views_count, first, last)
    starts, stops = views(rng, population, stopped, renamed_since(population, first, last), first)
    offline = _Offline(rng, population.devices_count, first, last)
    stop_arrivals = offline.arrivals(rng, stops)
    start_arrivals = np.minimum(offline.arrivals(rng, starts), stop_arrivals)
    future = rng.random(views_count) < _FUTURE_SHARE
    future[: min(2, views_count // 200)] = True
    ahead = np.where(future, last - stopped + rng.integers(_DAY, 400 * _DAY, views_count), 0)
    starts = _at(starts, starts.stamps + ahead, start_arrivals)
    stops = _at(stops, stops.stamps + ahead, stop_arrivals)
    paired = [events.take(rng.random(views_count) >= _UNPAIRED_SHARE) for events in (starts, stops)]
    rest_count = size - sum(map(len, paired))
    actions = rng.choice(list(_OTHER_ACTIONS), rest_count, p=list(_OTHER_ACTIONS.values()))
    certain = list(_OTHER_ACTIONS)[: rest_count // 3]
    actions[: len(certain)] = certain
    rest = others(rng, population, actions, _draw_times(rng, rest_count, first, last))
    rest = _at(rest, rest.stamps, offline.arrivals(rng, rest))
    # Stable, and starts come first: a start that arrives with its stop has the lower id.
    happened = Events.joined([*paired, rest])
    return happened.take(np.argsort(happened.arrivals, kind="stable"))


def _at(events: Events, stamps: Integers, arrivals: Integers) -> Events:
    return Events(stamps, arrivals, events.devices, events.who, events.what, events.numbers, events.durations)


class _Offline:
    """Episodes in which devices queue what they have to report, and send it all at the end."""

    def __init__(self, rng: np.random.Generator, devices: int, first: int, last: int) -> None:
        self._last = last
        span = last - first
        starts = first + rng.random((2, devices)) * span
        # From hours to weeks; a quarter of the devices, and few of them twice.
        lengths = np.minimum(rng.lognormal(np.log(8 * _HOUR), 1.8, (2, devices)), 0.5 * span)
        lengths[rng.random((2, devices)) > np.array([[0.25], [0.05]])] = 0
        self._starts = starts.astype(np.int64)
        # What has not arrived by the history's end is not in the history.
        self._ends = np.minimum(self._starts + lengths.astype(np.int64), last - rng.integers(0, _HOUR, (2, devices)))

    def arrivals(self, rng: np.random.Generator, events: Events) -> Integers:
        """When each record arrives: soon after its stamp, or at the end of its device's episode."""
        arrivals = events.stamps + rng.exponential(8, len(events)).astype(np.int64)
        for starts, ends in zip(self._starts, self._ends, strict=True):
            end = ends[events.devices]
            queued = (events.stamps >= starts[events.devices]) & (events.stamps < end)
            arrivals = np.where(queued, np.maximum(arrivals, end), arrivals)
        return np.minimum(arrivals, self._last)


def _draw_times(rng: np.random.Generator, size: int, first: int, last: int) -> Integers:
    """Times from ``first`` to ``last``, as often as the hour, the weekday and the mood of the day have it."""
    hours = np.arange(first - first % _HOUR, last, _HOUR)
    local = hours + _utc_offsets(hours)
    days = local // _DAY
    moods = rng.lognormal(0, 0.08, int(days[-1] - days[0]) + 1)
    # 1 January 1970 was a Thursday.
    weights = _HOUR_WEIGHTS[local % _DAY // _HOUR] * _WEEKDAY_WEIGHTS[(days + 3) % 7] * moods[days - days[0]]
    starts, ends = np.maximum(hours, first), np.minimum(hours + _HOUR, last)
    edges = np.cumsum(weights * (ends - starts))
    chosen = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    return np.asarray(starts[chosen] + (rng.random(size) * (ends - starts)[chosen]).astype(np.int64))


def _utc_offsets(hours: Integers) -> NDArray[np.int64]:
    """The operator's offset from UTC in seconds, which is looked up once a day."""
    days, places = np.unique(hours // _DAY, return_inverse=True)
    noons = [datetime.fromtimestamp(day * _DAY + _DAY // 2, UTC).astimezone(OPERATOR_TIMEZONE) for day in days.tolist()]
    offsets = [int((noon.utcoffset() or timedelta()).total_seconds()) for noon in noons]
    return np.array(offsets, dtype=np.int64)[places]
