"""Raw records and what their sync leaves behind: the cursor, gaps, rejected records, ids that wait for the merge.

A batch is stored in one transaction with its cursor. Writers take turns under an advisory lock and probe which ids are
there already, so a record id is stored once whoever reads it, how often and in whatever order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from io import BytesIO

import numpy as np
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from telemetry_pipeline.warehouse.db.connections import driver, lock
from telemetry_pipeline.warehouse.db.errors import explain
from telemetry_pipeline.warehouse.raw import duplicates
from telemetry_pipeline.warehouse.raw.batch import COPY_RECORDS, Batch, Mark, Rejected
from telemetry_pipeline.warehouse.raw.claims import claim

LOCK = "telemetry.records"
"""Writers of records take turns under it."""

_MERGE_RANGE_MAX_HOLE = 1_000


@dataclass
class Stored:
    """What came of a batch: how many records were new, by local date, and how many rejected ones were."""

    days: Counter[date] = field(default_factory=Counter)
    rejected: int = 0

    @property
    def records(self) -> int:
        """How many records were new."""
        return self.days.total()


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Provide a connection to ``store`` with, to the same database as the engine's.

    It is psycopg2's, which hands a whole batch to PostgreSQL without the interpreter's lock, so that pages are decoded
    meanwhile: a sixth less time in all than with psycopg 3, which takes the lock between any two pieces.
    """
    url = engine.url.set(drivername="postgresql+psycopg2")
    engine = sa.create_engine(url, poolclass=NullPool)
    sa.event.listen(engine, "handle_error", explain)
    with engine.connect() as connection:
        yield connection


def store(connection: sa.Connection, batch: Batch) -> Stored:
    """Store a batch and move the cursor, or neither, in a transaction of its own.

    :param connection: one that ``writing`` gave.
    :raises WarehouseError: stored records were made with other settings, or PostgreSQL failed; nothing was stored.
    """
    stored = Stored()
    with connection.begin():
        lock(connection, LOCK)
        claim(connection, batch.made_with)
        marks = _known(connection, batch)
        known = marks.keys()
        reached = _reached(connection, batch, known)
        ids, days, lines = batch.without(known)
        rejected = [*batch.rejected, *(batch.unlike(marks) if marks else [])]
        if ids:
            stored.days = Counter({date.fromisoformat(day): count for day, count in Counter(days).items()})
            duplicates.note(connection, [(piece["first"], piece["last"]) for piece in _ranges(ids)])
            _copy(connection, lines, batch.received_at)
            connection.execute(_RECEIVED)
        if ids or reached:
            pending = [{**piece, "days": list(stored.days), "seen_again": False} for piece in _ranges(ids)]
            pending += [{**piece, "days": list(set(reached.values())), "seen_again": True} for piece in _ranges([*reached])]
            connection.execute(_INSERT_PENDING, pending)
            connection.execute(_NEWEST_RECEIPT, {"received_at": batch.received_at})
        if rejected:
            stored.rejected = connection.execute(_INSERT_REJECTED, [vars(each) for each in rejected]).rowcount
        if stored.records or stored.rejected:
            counts = {"records": stored.records, "rejected": stored.rejected}
            connection.execute(_COUNT_RECEIPTS, {"received_at": batch.received_at, **counts})
        if batch.gaps:
            connection.execute(_INSERT_GAP, [{**vars(gap), "received_at": batch.received_at} for gap in batch.gaps])
        if batch.cursor is not None or batch.ids:
            connection.execute(_SYNCED, {"cursor": batch.cursor, "set_at": batch.cursor_set_at})
    return stored


def keep_answer(engine: sa.Engine, raw: str, reason: str) -> None:
    """Keep an answer of which no record could be had: the first with its reason, and of the others when the last one came.

    An upstream that is broken for a day gives hundreds, each a little different.
    """
    with engine.begin() as connection:
        lock(connection, LOCK)
        if not connection.execute(_ANSWERED_AGAIN, {"reason": reason}).rowcount:
            answer = vars(Rejected(None, raw, reason))
            connection.execute(_INSERT_REJECTED, answer)


def count_by_day(engine: sa.Engine, days: Collection[date]) -> Counter[date]:
    """Return how many records of each of some local dates are stored."""
    with engine.connect() as connection:
        return Counter(dict(connection.execute(_COUNT_BY_DAY, {"days": list(days)}).all()))


def merge_is_pending(engine: sa.Engine) -> bool:
    """Return whether records were stored that no merge has seen."""
    with engine.connect() as connection:
        return bool(connection.scalar(sa.text("select exists (select from telemetry.pending_merges)")))


def _known(connection: sa.Connection, batch: Batch) -> dict[int, Mark]:
    """Return the stored records among the ids of a batch, and some in between."""
    ids = batch.ids
    if not ids:
        return {}
    low, high = min(ids), max(ids)
    # Neighbouring ids are probed as one range; ids far apart one by one, or the probe would read all that lies between.
    if high - low < 10 * len(ids):
        found = connection.execute(_KNOWN_BETWEEN, {"low": low, "high": high})
    else:
        found = connection.execute(_KNOWN_AMONG, {"ids": ids})
    return {record_id: (timestamp, action) for record_id, timestamp, action in found}


def _reached(connection: sa.Connection, batch: Batch, known: Set[int]) -> dict[int, date]:
    """Return the known records of a batch that were ahead of their reception and are so no more, each with its local date."""
    if not known:
        return {}
    bounds = {"low": min(batch.ids), "high": max(batch.ids), "received_at": batch.received_at}
    ahead: dict[int, date] = dict(connection.execute(_AHEAD, bounds).all())
    reached = {record_id: ahead[record_id] for record_id in ahead.keys() & set(batch.ids)} if ahead else {}
    if reached:
        parameters = {"ids": list(reached), "days": list(set(reached.values())), "received_at": batch.received_at}
        connection.execute(_RECEIVED_AGAIN, parameters)
    return reached


def _copy(connection: sa.Connection, lines: Sequence[bytes], received_at: datetime) -> None:
    suffix = b',"' + received_at.isoformat().encode() + b'"\n'
    payload = suffix.join([*lines, b""])
    with driver(connection) as session, session.cursor() as cursor:
        cursor.copy_expert(COPY_RECORDS, BytesIO(payload), size=len(payload))


def _ranges(ids: Sequence[int]) -> list[dict[str, int]]:
    """Return the ids as ranges that no large hole splits."""
    if not ids:
        return []
    ordered = np.sort(np.array(ids, dtype=np.int64))
    last_of_range = np.flatnonzero(np.diff(ordered.view(np.uint64)) > _MERGE_RANGE_MAX_HOLE)
    return [{"first": int(piece[0]), "last": int(piece[-1])} for piece in np.split(ordered, last_of_range + 1)]


_KNOWN = "select record_id, timestamp, action_id from telemetry.records"

_KNOWN_BETWEEN = sa.text(f"{_KNOWN} where record_id between :low and :high")

_KNOWN_AMONG = sa.text(f"{_KNOWN} where record_id = any(:ids)")

# An index holds just those that are ahead.
_AHEAD = sa.text("""
    select record_id, local_date from telemetry.records
    where timestamp > received_at and timestamp <= :received_at and record_id between :low and :high
""")

_RECEIVED_AGAIN = sa.text("""
    update telemetry.records set received_at = :received_at
    where record_id = any(:ids) and local_date = any(cast(:days as date[]))
""")

_INSERT_PENDING = sa.text("""
    insert into telemetry.pending_merges (first_record_id, last_record_id, days, seen_again)
    values (:first, :last, cast(:days as date[]), :seen_again)
""")

_INSERT_REJECTED = sa.text("""
    insert into telemetry.rejected_records (record_id, payload, reason) values (:record_id, :payload, :reason)
    on conflict (md5(payload)) do nothing
""")

_ANSWERED_AGAIN = sa.text("""
    update telemetry.rejected_records set rejected_at = now() where record_id is null and reason = :reason
""")

_COUNT_RECEIPTS = sa.text("""
    insert into telemetry.receipts (hour, records, rejected)
    values (date_trunc('hour', cast(:received_at as timestamptz), 'UTC'), :records, :rejected)
    on conflict (hour) do update
        set records = receipts.records + excluded.records, rejected = receipts.rejected + excluded.rejected
""")

# Of some neighbours on each side the middle one tells the date: devices send old records under new ids.
_INSERT_GAP = sa.text("""
    insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, raw, first_date, last_date)
    select :first_record_id, :last_record_id, :reason, :raw,
           coalesce(cast(:day as date), least(below.middle, above.middle)),
           coalesce(cast(:day as date), greatest(below.middle, above.middle))
    from (
        select percentile_disc(0.5) within group (order by local_date) as middle from (
            select local_date from telemetry.records where record_id < :first_record_id order by record_id desc limit 20
        ) as neighbours
    ) as below, (
        select coalesce(
            percentile_disc(0.5) within group (order by local_date),
            (cast(:received_at as timestamptz) at time zone coalesce(
                (select operator_timezone from telemetry.sync_state), 'UTC'
            ))::date
        ) as middle from (
            select local_date from telemetry.records where record_id > :last_record_id order by record_id limit 20
        ) as neighbours
    ) as above
    on conflict (first_record_id, last_record_id) where resolved_at is null do update
        set first_date = least(sync_gaps.first_date, excluded.first_date),
            last_date = greatest(sync_gaps.last_date, excluded.last_date)
""")

# A receipt that was noted before a clock was set back would hide for as long that nothing comes any more.
_SYNCED = sa.text("""
    update telemetry.sync_state
    set cursor = case when cursor_set_at is not distinct from cast(:set_at as timestamptz)
                      then greatest(cursor, :cursor) else cursor end,
        synced_at = now(), received_at = least(received_at, now())
""")

_RECEIVED = sa.text("update telemetry.sync_state set received_at = now()")

_NEWEST_RECEIPT = sa.text("update telemetry.sync_state set newest_receipt = greatest(newest_receipt, :received_at)")

# Of a column that the key does not have: to count rows, PostgreSQL reads the key of the whole month, and else the day's blocks.
_COUNT_BY_DAY = sa.text(
    "select local_date, count(timestamp) from telemetry.records where local_date = any(:days) group by local_date"
)
