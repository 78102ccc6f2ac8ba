"""Raw records and what their sync leaves behind: the cursor, gaps, rejected records, ids that wait for the merge.

A batch is stored in one transaction with its cursor. Writers take turns under an advisory lock and probe which ids are
there already, so a record id is stored once whoever reads it, how often and in whatever order.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from typing import Any

import msgspec
import numpy as np
import psycopg2.extensions
import sqlalchemy as sa
from sqlalchemy.pool import NullPool

from telemetry_pipeline.warehouse.db.connections import lock
from telemetry_pipeline.warehouse.raw.claims import claim

COLUMNS = (
    "record_id",
    "action_id",
    "action_key",
    "reason_key",
    "subscriber_code",
    "smartcard_id",
    "device_id",
    "data_id",
    "data_name",
    "duration_seconds",
    "data_net_id",
    "data_ts_id",
    "data_service_id",
    "data_price",
    "profile_id",
    "ip_id",
    "reason_id",
    "date",
    "timestamp",
    "created",
    "data",
    "ip",
    "whois_country",
    "whois_isp",
    "anonymized",
    "manual",
    "extra",
    "local_date",
)
COPY_RECORDS = (
    f"copy telemetry.records ({', '.join(COLUMNS)}, received_at) from stdin "
    "(format csv, quote '\"', escape '\\', null 'null', encoding 'utf8')"
)

LOCK = "telemetry.records"
"""Writers of records take turns under it."""

Mark = tuple[datetime, int | None]
"""What a record never changes: its timestamp (aware) and its action."""

_ACTION, _TIMESTAMP = COLUMNS.index("action_id"), COLUMNS.index("timestamp")
_KNOWN_OTHERWISE = "recordId: a record of another time or action is stored under it"
_MERGE_RANGE_MAX_HOLE = 1_000


@dataclass(frozen=True)
class Rejected:
    """A record that cannot be stored: its id if it has one, its JSON, and why."""

    record_id: int | None
    payload: str
    reason: str


@dataclass(frozen=True)
class Gap:
    """Ids, both ends included, that the upstream could not deliver, with the raw text of its answer if there was one.

    :ivar day: the only local date of which these ids were asked for; None: of any, and their neighbours have to tell.
    """

    first_record_id: int
    last_record_id: int
    reason: str
    raw: str | None = None
    day: date | None = None


@dataclass(frozen=True)
class RepairPosition:
    """Where a repair is to go on: at which day, above which id of it, and up to which id it reads at all.

    :ivar began_at: when its first step began: what it reads is all that there was then.
    """

    day: date
    after_id: int
    up_to_id: int
    began_at: datetime


@dataclass
class Batch:
    """What is stored in one transaction.

    :ivar cursor: every id up to this one is in this batch, an earlier one, or a gap; None leaves the cursor alone.
    :ivar cursor_set_at: when a person last set the cursor, as its sync knows; after another one has been set, it stays there.
    :ivar made_with: the settings that its records were made with, as ``claims`` names them.
    :ivar received_at: a moment (aware) at which all that is in it was there already.
    :ivar size_bytes: that its lines and payloads have.
    :ivar ids: of the records, in the order in which they were added, with their ``actions``, their ``timestamps`` as ISO 8601
        text, their local ``days`` and their encoded ``lines``.
    """

    rejected: list[Rejected] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    cursor: int | None = None
    cursor_set_at: datetime | None = None
    received_at: datetime = field(default_factory=lambda: datetime.now(UTC))
    made_with: Mapping[str, str] = field(default_factory=dict)
    ids: list[int] = field(default_factory=list, init=False)
    actions: list[int | None] = field(default_factory=list, init=False)
    timestamps: list[str] = field(default_factory=list, init=False)
    days: list[str] = field(default_factory=list, init=False)
    lines: list[bytes] = field(default_factory=list, init=False)
    size_bytes: int = field(default=0, init=False)

    @property
    def count(self) -> int:
        """How many records it has, rejected ones included."""
        return len(self.ids) + len(self.rejected)

    def add(self, rows: Sequence[tuple[Any, ...]]) -> None:
        """Add records as tuples in the order of ``COLUMNS``; they are kept encoded, which takes a quarter of the memory."""
        self.ids.extend(row[0] for row in rows)
        self.actions.extend(row[_ACTION] for row in rows)
        self.timestamps.extend(row[_TIMESTAMP] for row in rows)
        self.days.extend(row[-1] for row in rows)
        lines = encode(rows)
        self.lines.extend(lines)
        self.size_bytes += sum(map(len, lines))

    def reject(self, records: Iterable[Rejected]) -> None:
        """Add records that cannot be stored."""
        for each in records:
            self.rejected.append(each)
            self.size_bytes += len(each.payload)

    def without(self, known: Set[int]) -> tuple[list[int], list[str], list[bytes]]:
        """Ids, local dates and lines of the records whose ids are not among *known*, each id once."""
        if not known and len(set(self.ids)) == len(self.ids):
            return self.ids, self.days, self.lines
        unknown = {
            record_id: (day, line)
            for record_id, day, line in zip(self.ids, self.days, self.lines, strict=True)
            if record_id not in known
        }
        return list(unknown), [day for day, _ in unknown.values()], [line for _, line in unknown.values()]

    def unlike(self, known: Mapping[int, Mark]) -> list[Rejected]:
        """The records that are known as others."""
        return [
            Rejected(record_id, _payload(line), _KNOWN_OTHERWISE)
            for record_id, action, timestamp, line in zip(self.ids, self.actions, self.timestamps, self.lines, strict=True)
            if record_id in known and known[record_id] != (datetime.fromisoformat(timestamp), action)
        ]


@dataclass
class Stored:
    """What came of a batch: how many records were new, by local date, and how many rejected ones were."""

    days: Counter[date] = field(default_factory=Counter)
    rejected: int = 0

    @property
    def records(self) -> int:
        """How many records were new."""
        return self.days.total()


def mark(row: Sequence[Any]) -> Mark:
    """The mark of a record that is a tuple in the order of ``COLUMNS``, with its times as ISO 8601 text."""
    return datetime.fromisoformat(row[_TIMESTAMP]), row[_ACTION]


def encode(rows: Sequence[tuple[Any, ...]]) -> list[bytes]:
    """Rows as lines of the CSV that ``COPY_RECORDS`` reads.

    A JSON array without its brackets is such a line, and encoding one is ten times faster than quoting field by field. Only
    JSON's escapes of control characters are not CSV's: rows that have any are quoted field by field.
    """
    if not rows:
        return []
    payload = _ENCODER.encode_lines(rows)
    if _escapes_control_characters(payload):
        return [b",".join(map(_quoted, row)) for row in rows]
    return payload[1:-2].split(b"]\n[")


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A connection to ``store`` with, to the same database as the engine's.

    It is psycopg2's, which hands a whole batch to PostgreSQL without the interpreter's lock, so that pages are decoded
    meanwhile: a sixth less time in all than with psycopg 3, which takes the lock between any two pieces.
    """
    url = engine.url.set(drivername="postgresql+psycopg2")
    with sa.create_engine(url, poolclass=NullPool).connect() as connection:
        yield connection


def store(connection: sa.Connection, batch: Batch) -> Stored:
    """Store a batch and move the cursor, or neither, in a transaction of its own.

    :param connection: one that ``writing`` gave.
    :raises WarehouseError: stored records were made with other settings.
    :raises sqlalchemy.exc.DBAPIError, psycopg2.Error: PostgreSQL failed; nothing was stored.
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


def merge_is_pending(engine: sa.Engine) -> bool:
    """Whether records were stored that no merge has seen."""
    with engine.connect() as connection:
        return bool(connection.scalar(sa.text("select exists (select from telemetry.pending_merges)")))


def open_gaps(engine: sa.Engine, after_id: int) -> list[Gap]:
    """Open gaps that reach beyond *after_id*, in the order of ids."""
    with engine.connect() as connection:
        return [Gap(*row) for row in connection.execute(_OPEN_GAPS, {"after_id": after_id})]


def gaps_due(engine: sa.Engine, limit: int) -> list[Gap]:
    """Open gaps that are to be tried again by now, those that waited longest first."""
    with engine.connect() as connection:
        return [Gap(*row) for row in connection.execute(_GAPS_DUE, {"limit": limit})]


def gap_tried(engine: sa.Engine, gap: Gap, *, resolved: bool) -> None:
    """Note another try of an open gap."""
    with engine.begin() as connection:
        connection.execute(_GAP_TRIED, {**vars(gap), "resolved": resolved})


def repair_position(engine: sa.Engine, repair: str) -> RepairPosition | None:
    """Where the repair of that name stopped; None when it did not start, or is done."""
    with engine.connect() as connection:
        row = connection.execute(_REPAIR_POSITION, {"repair": repair}).one_or_none()
    return RepairPosition(*row) if row else None


def keep_repair_position(engine: sa.Engine, repair: str, position: RepairPosition | None) -> None:
    """Note where a repair stopped, or, with None, that it is done."""
    with engine.begin() as connection:
        if position is None:
            connection.execute(_FORGET_REPAIR, {"repair": repair})
        else:
            connection.execute(_KEEP_REPAIR, {"repair": repair, **vars(position)})


def _known(connection: sa.Connection, batch: Batch) -> dict[int, Mark]:
    """The stored records among the ids of a batch, and some in between."""
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
    """The known records of a batch that were ahead of their reception and are so no more, each with its local date."""
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
    driver_connection: psycopg2.extensions.connection = connection.connection.driver_connection  # type: ignore[assignment]
    with driver_connection.cursor() as cursor:
        cursor.copy_expert(COPY_RECORDS, BytesIO(payload), size=len(payload))


def _ranges(ids: Sequence[int]) -> list[dict[str, int]]:
    """The ids as ranges that no large hole splits."""
    if not ids:
        return []
    ordered = np.sort(np.array(ids, dtype=np.int64))
    last_of_range = np.flatnonzero(np.diff(ordered.view(np.uint64)) > _MERGE_RANGE_MAX_HOLE)
    return [{"first": int(piece[0]), "last": int(piece[-1])} for piece in np.split(ordered, last_of_range + 1)]


def _escapes_control_characters(payload: bytes) -> bool:
    """Whether JSON text holds an escape other than of a quote or a backslash."""
    text = np.frombuffer(payload, dtype=np.uint8)
    backslashes = np.flatnonzero(text == ord("\\"))
    if not len(backslashes):
        return False
    # In a run of backslashes every second one is escaped by the one before it; the others begin an escape.
    begins_run = np.diff(backslashes, prepend=-2) > 1
    run_starts = np.flatnonzero(begins_run)
    place_in_run = np.arange(len(backslashes)) - np.repeat(run_starts, np.diff(run_starts, append=len(backslashes)))
    escaped = text[backslashes[place_in_run % 2 == 0] + 1]
    return bool(((escaped != ord('"')) & (escaped != ord("\\"))).any())


def _payload(line: bytes) -> str:
    """A record's line as a JSON object with what is not null of it."""
    # Control characters may be in it as they are.
    values = json.loads(b"[" + line + b"]", strict=False)
    return json.dumps({name: value for name, value in zip(COLUMNS, values, strict=True) if value is not None})


def _quoted(value: Any) -> bytes:
    if not isinstance(value, str):
        return _ENCODER.encode(value)
    return b'"' + value.encode().replace(b"\\", rb"\\").replace(b'"', rb"\"") + b'"'


_ENCODER = msgspec.json.Encoder()

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
_OPEN_GAPS = sa.text("""
    select first_record_id, last_record_id, reason, null from telemetry.sync_gaps
    where resolved_at is null and last_record_id > :after_id
    order by first_record_id, last_record_id
""")
_GAPS_DUE = sa.text("""
    select first_record_id, last_record_id, reason, raw from telemetry.sync_gaps
    where resolved_at is null
      and (tried_at + least(interval '1 minute' * power(2, least(attempts, 11)), interval '1 day') <= now() or tried_at > now())
    order by tried_at, gap_id limit :limit
""")
_GAP_TRIED = sa.text("""
    update telemetry.sync_gaps
    set attempts = attempts + 1, tried_at = now(), resolved_at = case when :resolved then now() end
    where first_record_id = :first_record_id and last_record_id = :last_record_id and resolved_at is null
""")
_REPAIR_POSITION = sa.text("select day, after_id, up_to_id, began_at from telemetry.sync_repairs where repair = :repair")
_FORGET_REPAIR = sa.text("delete from telemetry.sync_repairs where repair = :repair")
_KEEP_REPAIR = sa.text("""
    insert into telemetry.sync_repairs (repair, day, after_id, up_to_id, began_at)
    values (:repair, :day, :after_id, :up_to_id, :began_at)
    on conflict (repair) do update set day = excluded.day, after_id = excluded.after_id
""")
