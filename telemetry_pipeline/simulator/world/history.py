"""The made-up past of an operator: what happened until its end, which of it arrived late, and which ids it got.

Seeded: the same options give the same bytes. Records are in the order in which they arrived, so that a device that was
offline brings old timestamps under new ids.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.columns import Integers
from telemetry_pipeline.simulator.records.store import Segment
from telemetry_pipeline.simulator.world import happening, rhythm
from telemetry_pipeline.simulator.world.events import Events, draw_steps, draw_undated, encode
from telemetry_pipeline.simulator.world.population import RENAMED_RANKS, Population

# Beyond 32 bits, so that a consumer that is not ready for such ids fails here and not in production.
FIRST_ID = 5_000_000_000

_RENAMED_AFTER = (0.55, 0.8)
# Late ids are among this many of the newest: what a cursor with a modest overlap must be able to pick up.
_LATE_AMONG = 500
_HOUR, _DAY = 3_600, 86_400


def generate(options: Options, population: Population, end: datetime) -> tuple[Segment, Segment]:
    """Return the history up to ``end``: what is visible at once, and the late ids."""
    rng = np.random.default_rng([options.seed, 1])
    last = int(end.timestamp())
    first = last - options.days * _DAY
    span = happening.Span(first, last, first_day(options, end), _renamed_at(population, first, last))
    offline = _Offline(rng, population.households.devices_count, first, last)
    size = options.records_count
    events = happening.happened(rng, population, size, span, offline.arrivals, futures=min(2, size // 400), every_action=True)
    ids = FIRST_ID + np.cumsum(draw_steps(rng, size)) - 1
    late = np.zeros(len(events), dtype=np.bool_)
    newest = min(_LATE_AMONG, len(events) // 4)
    if options.late_seconds > 0 and newest:
        # The very last id stays visible: it is what makes the others late.
        chosen = rng.choice(newest, min(options.late_ids, newest // 2), replace=False)
        late[len(events) - 2 - chosen] = True
    undated = draw_undated(rng, size)
    visible, hidden = (encode(population, ids[part], events.take(part), undated[part]) for part in (~late, late))
    return visible, hidden


def first_day(options: Options, end: datetime) -> int:
    """Return the local day, since 1970, on which a history that ends then begins."""
    return int(rhythm.local_days(np.array([int(end.timestamp()) - options.days * _DAY]))[0])


def _renamed_at(population: Population, first: int, last: int) -> Integers:
    """Return, by channel, the time from which on its starts carry its later name."""
    times = np.full(len(population.channels), last + 1, dtype=np.int64)
    for rank, share in zip(RENAMED_RANKS, _RENAMED_AFTER, strict=True):
        times[rank] = first + int(share * (last - first))
    return times


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
        """Return when each record arrives: soon after its stamp, or at the end of its device's episode."""
        arrivals = happening.soon(rng, events)
        for starts, ends in zip(self._starts, self._ends, strict=True):
            end = ends[events.devices]
            queued = (events.stamps >= starts[events.devices]) & (events.stamps < end)
            arrivals = np.where(queued, np.maximum(arrivals, end), arrivals)
        return np.minimum(arrivals, self._last)
