"""Which records there are at this moment: history or export, what was added, what is live, what will become visible."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records import export_file, upheavals
from telemetry_pipeline.simulator.records.store import BadRecord, Segment, Store
from telemetry_pipeline.simulator.records.upheavals import Upheaval
from telemetry_pipeline.simulator.world import history
from telemetry_pipeline.simulator.world.live import AsInHistory, Live, Start, Steady
from telemetry_pipeline.simulator.world.population import Population

# Live ids stay below, and do not go on from what is added above.
_STRAYS = 10**15


class Source:
    """The records of a simulator. ``BadExport`` comes from its making.

    :ivar silent: whether nothing new comes; all of it does when that is over.
    """

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds since 1970. Takes about 5 s for a million records."""
        self._options = options
        self._clock = clock
        self._pending: list[tuple[float, Segment]] = []
        population = Population(np.random.default_rng([options.seed, 0]), options.records_count, options.days)
        if options.records is not None:
            self._store = Store(export_file.load(options.records))
            end = datetime.fromtimestamp(min(options.records.stat().st_mtime, clock()), UTC)
        else:
            end = options.end or datetime.fromtimestamp(clock(), UTC)
            end = end if end.tzinfo else end.replace(tzinfo=UTC)
            visible, late = history.generate(options, population, end)
            self._store = Store(visible)
            # Its time begins with the first listing.
            self._pending.append((math.inf, late))
        self._listed = False
        self.silent = False
        self._live = self._begun(population, end, clock())

    @property
    def pending(self) -> int:
        """How many records are there but not visible yet."""
        return sum(len(segment) for _, segment in self._pending)

    @property
    def highest_id(self) -> int:
        """The highest visible id, 0 without records."""
        return self._store.highest_id

    def __len__(self) -> int:
        """Return how many records are visible, as of the last listing or addition."""
        return len(self._store)

    def listed(self) -> Sequence[Segment]:
        """Return the visible records as of now, for a listing."""
        now = self._clock()
        if not self._listed:
            self._listed = True
            self._pending = [(min(due, now + self._options.late_seconds), segment) for due, segment in self._pending]
        new = self._live.until(now) if self._live and not self.silent else None
        if new is not None:
            self._store.add(new[0])
            self._pending.append((now + self._options.late_seconds, new[1]))
        self._reveal(now)
        return self._store.segments

    def reveal(self) -> None:
        """Make every late record visible now."""
        self._reveal(math.inf)

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        """Make more records visible, in API field names; ``BadRecord`` if one cannot be, and then none is."""
        segment = Segment.of_records(records)
        for _, late in self._pending:
            if len(late) and late.has(segment.ids).any():
                raise BadRecord("an id is there already and becomes visible later")
        self._store.add(segment)
        near = segment.ids[segment.ids < _STRAYS]
        if self._live and len(near):
            self._live.skip_past(int(near[-1]))

    def upset(self, upheaval: Upheaval) -> None:
        """Make other records of the visible ones; ``BadRecord`` if one cannot be, and then all stay."""
        records = [record for segment in self._store.segments for record in segment.records(0, len(segment))]
        now = datetime.fromtimestamp(self._clock(), UTC)
        self._store = Store(Segment.of_records(upheavals.after(upheaval, records, self._options, now)))

    def _begun(self, population: Population, end: datetime, now: float) -> Live | None:
        options = self._options
        first_id = max(self._store.highest_id + 1, history.FIRST_ID)
        start = Start(first_id, end.timestamp(), history.first_day(options, end))
        if options.live != "history":
            return Steady(options, population, start, now) if options.live else None
        # A made-up operator has gone on while no simulator ran, though not for ever; that of an export goes on from now.
        resumed = now if options.records is not None else max(start.ended, now - options.days * 86_400)
        return AsInHistory(options, population, start, resumed)

    def _reveal(self, until: float) -> None:
        for due, segment in self._pending:
            if due <= until:
                self._store.add(segment)
        self._pending = [(due, segment) for due, segment in self._pending if due > until]
