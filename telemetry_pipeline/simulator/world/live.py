"""New records as time goes by: evenly, or as the history would go on. Nothing is made before it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.columns import Integers, Mask
from telemetry_pipeline.simulator.records.store import Segment
from telemetry_pipeline.simulator.world import happening, rhythm
from telemetry_pipeline.simulator.world.events import Events, draw_steps, draw_undated, encode, views
from telemetry_pipeline.simulator.world.population import Population
from telemetry_pipeline.simulator.world.viewing import Viewing, draw_durations

_LATE_EVERY = 50
_HOUR, _DAY = 3_600, 86_400
# More than any simulator gives. Ids grow with the clock, so that one that is started again, with another rate perhaps,
# gives no id to another record than before.
_IDS_A_SECOND = 10_000
# In seconds of UTC: 4 in the morning of the operator, when hardly anybody watches.
_DAY_BREAKS = 10 * _HOUR


class Live(Protocol):
    """A stream of new records, of which one in fifty becomes visible late."""

    def until(self, now: float) -> tuple[Segment, Segment] | None:
        """Return what is new: the records that are visible at once, and the late ones."""

    def skip_past(self, identity: int) -> None:
        """Give only ids above this one from now on."""


@dataclass(frozen=True)
class Start:
    """Where a stream takes over.

    :ivar first_id: above all ids of the history. :ivar ended: when the history did, in seconds since 1970.
    :ivar origin: the local day, since 1970, that is the households' day 0.
    """

    first_id: int
    ended: float
    origin: int

    def id_at(self, time: Integers | int) -> Integers | int:
        """Return the lowest id of what comes from this moment on."""
        return self.first_id + (time - int(self.ended) // _HOUR * _HOUR) * _IDS_A_SECOND


class Steady:
    """Starts and stops at ``options.live`` records a second, both stamped at the stop, as some devices do."""

    def __init__(self, options: Options, population: Population, start: Start, now: float) -> None:
        """``now`` is when it begins."""
        self._rate = float(options.live)
        self._options = options
        self._population = population
        self._rng = np.random.default_rng([options.seed, 2])
        self._origin = start.origin
        self._next_id = max(start.first_id, int(start.id_at(int(now))))
        self._began = now
        self._made = 0

    def until(self, now: float) -> tuple[Segment, Segment] | None:
        """See :class:`Live`."""
        due = int((now - self._began) * self._rate) // 2 * 2
        size = due - self._made
        if size <= 0:
            return None
        ordinals = np.arange(self._made, due)
        stopped = (self._began + (ordinals[::2] + 2) / self._rate).astype(np.int64)
        households = self._population.households
        devices = households.draw_devices(self._rng, rhythm.local_days(stopped) - self._origin)
        durations, _ = draw_durations(self._rng, households, devices)
        # With every possible start before the first one that may be stamped, all are stamped at the stop.
        starts, stops = views(
            self._rng, self._population, Viewing(devices, stopped, durations), _all_renamed(self._population), int(now) + 1
        )
        events = Events.joined([starts, stops]).take(np.arange(size).reshape(2, -1).T.ravel())
        ids = self._next_id + np.cumsum(draw_steps(self._rng, size)) - 1
        self._made, self._next_id = due, int(ids[-1]) + 1
        late = _late(self._options, ordinals)
        undated = draw_undated(self._rng, size)
        visible, hidden = (encode(self._population, ids[part], events.take(part), undated[part]) for part in (~late, late))
        return visible, hidden

    def skip_past(self, identity: int) -> None:
        """See :class:`Live`."""
        self._next_id = max(self._next_id, identity + 1)


class AsInHistory:
    """The history goes on: the same people, rate, rhythm and mishaps. What it gives depends on seed and time alone.

    It is made day by day, from 4 in the morning to 4 in the morning.
    """

    def __init__(self, options: Options, population: Population, start: Start, began: float) -> None:
        """``began``: what arrived before is not given."""
        self._options = options
        self._population = population
        self._start = start
        self._told = began
        self._shift = 0
        self._skipped = 0
        self._day = lru_cache(maxsize=2)(self._made)

    def until(self, now: float) -> tuple[Segment, Segment] | None:
        """See :class:`Live`."""
        days = range(int(self._told - _DAY_BREAKS) // _DAY, int(now - _DAY_BREAKS) // _DAY + 1)
        new = [self._day(day).between(self._told, now) for day in days]
        self._told = max(self._told, now)
        ids = np.concatenate([part.ids for part in new]) if new else np.zeros(0, dtype=np.int64)
        if not len(ids):
            return None
        self._shift = max(self._shift, self._skipped + 1 - int(ids[0]))
        events = Events.joined([part.events for part in new])
        undated = np.concatenate([part.undated for part in new])
        late = np.concatenate([part.late for part in new]) & (events.arrivals > now - self._options.late_seconds)
        visible, hidden = (
            encode(self._population, ids[part] + self._shift, events.take(part), undated[part]) for part in (~late, late)
        )
        return visible, hidden

    def skip_past(self, identity: int) -> None:
        """See :class:`Live`."""
        self._skipped = max(self._skipped, identity)

    def _made(self, day: int) -> _Day:
        rng = np.random.default_rng([self._options.seed, 2, day])
        first = day * _DAY + _DAY_BREAKS
        rate = self._options.records_count / self._options.days
        size = round(rate * rhythm.weight(first, first + _DAY) * rhythm.draw_mood(rng))
        last = first + _DAY - 1
        span = happening.Span(first, last, self._start.origin, _all_renamed(self._population), free_from=first)

        def arrive(rng: np.random.Generator, events: Events) -> Integers:
            return np.minimum(happening.soon(rng, events), last)

        events = happening.happened(rng, self._population, size, span, arrive, futures=0, every_action=False)
        hours = events.arrivals // _HOUR
        counted = np.cumsum(draw_steps(rng, size)) - 1
        begun = counted[np.searchsorted(hours, hours)] if size else counted
        ids = np.asarray(self._start.id_at(hours * _HOUR) + counted - begun)
        return _Day(ids, events, draw_undated(rng, size), _late(self._options, np.arange(size)))


@dataclass(frozen=True)
class _Day:
    ids: Integers
    events: Events
    undated: Mask
    late: Mask

    def between(self, after: float, until: float) -> _Day:
        """Return what arrived then."""
        arrivals = self.events.arrivals
        part = slice(*np.searchsorted(arrivals, [after, until], side="right").tolist())
        return _Day(self.ids[part], self.events.take(part), self.undated[part], self.late[part])


def _all_renamed(population: Population) -> Integers:
    return np.zeros(len(population.channels), dtype=np.int64)


def _late(options: Options, ordinals: Integers) -> Mask:
    if not options.late_ids or options.late_seconds <= 0:
        return np.zeros(len(ordinals), dtype=np.bool_)
    return np.asarray(ordinals % _LATE_EVERY == _LATE_EVERY // 2)
