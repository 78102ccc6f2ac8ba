"""New records as time goes by: views that end now. Nothing is made before it is asked for."""

from __future__ import annotations

import numpy as np

from telemetry_pipeline.simulator.columns import Integers
from telemetry_pipeline.simulator.events import Events, draw_ids, encode, views
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.population import Population
from telemetry_pipeline.simulator.store import Segment

_LATE_EVERY = 50


class Live:
    """A stream of start and stop pairs at ``options.live`` records a second; one in fifty becomes visible late."""

    def __init__(self, options: Options, population: Population, first_id: int, now: float) -> None:
        """``now`` is when it begins, in seconds since 1970."""
        self._options = options
        self._population = population
        self._rng = np.random.default_rng([options.seed, 2])
        self._next_id = first_id
        self._began = now
        self._made = 0

    def until(self, now: float) -> tuple[Segment, Segment] | None:
        """What is new: the records that are visible at once, and the late ones."""
        # In pairs: a start is stamped together with its stop, as some devices do.
        due = int((now - self._began) * self._options.live) // 2 * 2
        size = due - self._made
        if size <= 0:
            return None
        ordinals = np.arange(self._made, due)
        stopped = (self._began + (ordinals[::2] + 2) / self._options.live).astype(np.int64)
        renamed_at = np.zeros(len(self._population.channels), dtype=np.int64)
        # With every possible start before ``first``, all starts are stamped at the stop.
        starts, stops = views(self._rng, self._population, stopped, renamed_at, int(now) + 1)
        order = np.arange(size).reshape(2, -1).T.ravel()
        events = Events.joined([starts, stops]).take(order)
        ids = draw_ids(self._rng, self._next_id, size)
        self._made, self._next_id = due, int(ids[-1]) + 1
        late = self._late(ordinals)
        return self._encoded(ids, events, ~late), self._encoded(ids, events, late)

    def skip_past(self, identity: int) -> None:
        """Give only ids above this one from now on."""
        self._next_id = max(self._next_id, identity + 1)

    def _late(self, ordinals: Integers) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        if not self._options.late_ids or self._options.late_seconds <= 0:
            return np.zeros(len(ordinals), dtype=np.bool_)
        return np.asarray(ordinals % _LATE_EVERY == _LATE_EVERY // 2)

    def _encoded(self, ids: Integers, events: Events, chosen: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Segment:
        return encode(self._rng, self._population, ids[chosen], events.take(chosen))
