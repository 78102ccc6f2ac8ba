"""From the feed into the warehouse: the live edge, repairs of past days, and gaps that are tried again.

The *live edge* takes every record above the cursor, whatever its date, and reads again an overlap below it for ids that
became visible late. A *repair* reads days again by date and stores what is missing; it leaves the cursor alone. Both store
batches of pages, each in one transaction, and stop at a deadline: what is stored stays, and the next call goes on from there.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from datetime import time as clock_time
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from telemetry_pipeline.errors import LoginRejected, MalformedAnswer, PanAccessError, PermissionDenied
from telemetry_pipeline.ingestion.approach import Approach, Lookout
from telemetry_pipeline.sources.panaccess.calls.client import TRIES
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.slices import Delivery, Slice
from telemetry_pipeline.warehouse.raw import completeness, gaps, records
from telemetry_pipeline.warehouse.raw.batch import Batch, Rejected
from telemetry_pipeline.warehouse.raw.claims import claim
from telemetry_pipeline.warehouse.raw.gaps import Gap
from telemetry_pipeline.warehouse.raw.records import Stored
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition

OVERLAP_IDS = 5_000
"""How far below the cursor the live edge reads again: five pages a tick, for ids that become visible out of order."""

BATCH_RECORDS = 25_000
"""Records a transaction, about 25 pages: every transaction costs some 10 ms beside its rows."""

BATCH_BYTES = 64_000_000
"""Of them as they are stored: a batch is in memory, and the next one comes meanwhile."""

_GAPS_A_STEP = 20


@dataclass(frozen=True)
class Progress:
    """How far a step has come.

    :ivar read: records read so far.
    :ivar expected: how many there are to read in all; None where that is not known.
    :ivar fraction: of the way, 0 to 1.
    """

    read: int
    expected: int | None
    fraction: float


@dataclass
class Outcome:
    """What a step did so far.

    :ivar days: new records by local date.
    :ivar read: records that were read, known and rejected ones included.
    :ivar rejected: records that were rejected for the first time.
    :ivar gaps: ranges of ids that the upstream failed to deliver.
    """

    days: Counter[date] = field(default_factory=Counter)
    read: int = 0
    rejected: int = 0
    gaps: int = 0

    @property
    def stored(self) -> int:
        """How many records were new."""
        return self.days.total()


@dataclass
class Sync:
    """One step's worth of synchronising; ``outcome`` tells what it did, also when it ended with an error.

    :param deadline: when to stop, on the clock of ``time.monotonic``.
    :param checkpoint: called before every commit; raises to stop there.
    :param report: told how far the step has come, after every page.
    :param now: this machine's clock.
    :param made_with: the settings that records are made with, as ``claims`` names them.
    :param max_id_jump: how wide a hole in the ids is plausible, in distances between ids as they are.
    """

    engine: sa.Engine
    feed: Feed
    operator_zone: ZoneInfo
    deadline: float
    checkpoint: Callable[[], None] = lambda: None
    report: Callable[[Progress], None] = lambda progress: None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    made_with: Mapping[str, str] = field(default_factory=dict)
    max_id_jump: int = 1_000_000
    outcome: Outcome = field(default_factory=Outcome, init=False)
    _began_at: datetime = field(init=False)
    _missing: set[tuple[int, int]] = field(default_factory=set, init=False)

    def run(
        self, first: date, last: date, *, includes_today: bool, position: RepairPosition | None = None
    ) -> RepairPosition | None:
        """Synchronise the local days from *first* to *last*: the live edge when today is among them, else a repair.

        A range that includes today drains the live edge first, and then repairs what that did not read.

        :param position: where an earlier call for the same days stopped.
        :returns: where the next call is to go on; None when all is done.
        :raises WarehouseError: stored records were made with other settings.
        :raises AnotherUpstream: it is not the upstream of the stored records.
        :raises PanAccessError: the upstream is unreachable or refuses; what was stored before that stays.
        """
        self.made_with = {**self.made_with, "operator_timezone": self.operator_zone.key}
        # Before anything is read: what would be refused in the end costs the upstream nothing.
        with self.engine.begin() as connection:
            claim(connection, self.made_with)
        # Before the newest id is asked for: all that is read was there by then.
        self._began_at = self.now()
        lookout = Lookout(self.engine, self.feed, until=self.deadline, max_id_jump=self.max_id_jump)
        try:
            approach = lookout.approach()
            at, up_to_id = approach.at, approach.up_to_id
            live_edge = at.read_after if at.is_new else max(at.read_after, min(at.record_id, up_to_id) - OVERLAP_IDS)
            repaired_to = min(live_edge, approach.plausible_id) if includes_today else approach.plausible_id
            position = position or RepairPosition(first, at.read_after, repaired_to, self._began_at)
            if includes_today:
                self._retry_gaps()
                if self._drain(self._live_slices(live_edge, up_to_id), approach=approach):
                    return position
                lookout.tell_of_jump(approach)
                if approach.sees_all:
                    completeness.live_edge_read(self.engine, self._began_at, self.operator_zone)
                if first == last:
                    return None
            return self._repair(last, position, approach)
        except MalformedAnswer as err:
            records.keep_answer(self.engine, err.raw, str(err))
            raise

    def _repair(self, last: date, position: RepairPosition, approach: Approach) -> RepairPosition | None:
        lowest = approach.at.read_after
        slices = [
            Slice(
                max(position.after_id, lowest) if day == position.day else lowest,
                position.up_to_id,
                since=datetime.combine(day, clock_time.min, self.operator_zone),
                until=datetime.combine(day + timedelta(days=1), clock_time.min, self.operator_zone),
            )
            for day in (position.day + timedelta(days=number) for number in range((last - position.day).days + 1))
        ]
        stopped = self._drain(slices)
        stopped_on = stopped.slice.since.date() if stopped and stopped.slice.since else None
        read = [piece.since.date() for piece in slices if piece.since and (not stopped_on or piece.since.date() < stopped_on)]
        if approach.sees_all and approach.plausible_id >= approach.up_to_id:
            completeness.days_read(self.engine, read, position.began_at, self.operator_zone)
        return replace(position, day=stopped_on, after_id=stopped.through_id) if stopped and stopped_on else None

    def _live_slices(self, after_id: int, up_to_id: int) -> list[Slice]:
        """Return the live edge without the gaps in it, which are tried again at intervals of their own."""
        slices = []
        for gap in gaps.open_gaps(self.engine, after_id):
            slices.append(Slice(after_id, min(gap.first_record_id - 1, up_to_id)))
            after_id = max(after_id, gap.last_record_id)
        slices.append(Slice(after_id, up_to_id))
        return [piece for piece in slices if piece.width > 0]

    def _retry_gaps(self) -> None:
        for gap in gaps.gaps_due(self.engine, _GAPS_A_STEP):
            if time.monotonic() >= self.deadline:
                return
            try:
                stopped = self._drain([Slice(gap.first_record_id - 1, gap.last_record_id)], tries=1)
            except (LoginRejected, PermissionDenied):
                raise
            except PanAccessError:
                resolved = False
            else:
                # What still fails of a range is on record as smaller gaps, and so is what time was up for.
                resolved = (gap.first_record_id, gap.last_record_id) not in self._missing
                if stopped and (resolved := stopped.through_id >= gap.first_record_id):
                    self._keep_gap(replace(gap, first_record_id=stopped.through_id + 1))
            gaps.gap_tried(self.engine, gap, resolved=resolved)

    def _keep_gap(self, gap: Gap) -> None:
        with records.writing(self.engine) as connection:
            records.store(connection, Batch(received_at=self._began_at, made_with=self.made_with, gaps=[gap]))

    def _drain(self, slices: list[Slice], *, approach: Approach | None = None, tries: int = TRIES) -> Delivery | None:
        """Store what the slices hold.

        :param approach: of the live edge, which takes the cursor along, as far as ids go on without a hole that is too wide;
            nothing behind one is stored.
        :returns: the delivery at which the deadline came; None when everything was read.
        """
        storing: Future[Stored] | None = None
        with (
            closing(self.feed.read(slices, tries=tries, until=self.deadline)) as deliveries,
            records.writing(self.engine) as connection,
            ThreadPoolExecutor(1, thread_name_prefix="warehouse") as writer,
        ):
            reading = _Reading(slices, deliveries, approach)
            try:
                for batch in self._batches(reading):
                    self.checkpoint()
                    # One batch after the other: the cursor of a later one says that the earlier ones are stored.
                    if storing:
                        self._count(storing.result())
                    storing = writer.submit(records.store, connection, batch)
            finally:
                if storing:
                    self._count(storing.result())
        return reading.stopped_at

    def _batches(self, reading: _Reading) -> Iterator[Batch]:
        approach = reading.approach
        edge = approach.edge if approach else None
        batch = self._batch(approach)
        held = edge.jump_id if edge else None
        try:
            for delivery in reading.deliveries:
                self._collect(edge.take(delivery) if edge else delivery, batch)
                if edge:
                    batch.cursor = min(delivery.through_id, edge.reached)
                self.report(reading.progress(delivery, self.outcome.read))
                if batch.count >= BATCH_RECORDS or batch.size_bytes >= BATCH_BYTES:
                    yield batch
                    batch = self._batch(approach)
                if edge and edge.jump_id != held:
                    break
                if delivery.unfinished or reading.is_last(delivery):
                    continue
                # The next call begins with the overlap again: to stop in there is to come no further, ever.
                if time.monotonic() >= self.deadline and not (approach and delivery.through_id <= approach.at.record_id):
                    reading.stopped_at = delivery
                    break
        except PanAccessError:
            yield batch
            raise
        yield batch

    def _batch(self, approach: Approach | None) -> Batch:
        batch = Batch(received_at=self._began_at, made_with=self.made_with)
        if approach:
            batch.cursor, batch.cursor_set_at = approach.at.record_id, approach.at.set_at
        return batch

    def _collect(self, delivery: Delivery, batch: Batch) -> None:
        if delivery.page:
            self.outcome.read += delivery.page.distinct
            batch.add(delivery.page.rows)
            batch.reject(Rejected(reject.record_id, reject.payload, reject.reason) for reject in delivery.page.rejects)
        if missing := delivery.missing:
            self.outcome.gaps += 1
            self._missing.add((missing.first_id, missing.last_id))
            day = delivery.slice.since.date() if delivery.slice.since else None
            batch.gaps.append(Gap(missing.first_id, missing.last_id, str(missing.error), missing.raw, day))

    def _count(self, stored: Stored) -> None:
        self.outcome.days.update(stored.days)
        self.outcome.rejected += stored.rejected


@dataclass
class _Reading:
    """Slices on their way from the feed."""

    slices: list[Slice]
    deliveries: Iterator[Delivery]
    approach: Approach | None
    expected: int | None = None
    stopped_at: Delivery | None = None

    def is_last(self, delivery: Delivery) -> bool:
        return delivery.slice.since == self.slices[-1].since and delivery.through_id >= self.slices[-1].up_to_id

    def progress(self, delivery: Delivery, read: int) -> Progress:
        if len(self.slices) == 1 and self.expected is None and delivery.page:
            self.expected = delivery.page.count
        if self.expected:
            return Progress(read, self.expected, min(1.0, read / self.expected))
        number = next(
            n
            for n, piece in enumerate(self.slices)
            if piece.since == delivery.slice.since and delivery.through_id <= piece.up_to_id
        )
        piece = self.slices[number]
        within = (delivery.through_id - piece.after_id) / max(1, piece.width)
        return Progress(read, None, (number + within) / len(self.slices))
