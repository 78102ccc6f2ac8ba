"""The cursor: how far the sync has come, what holds it, and stored records by which their upstream is known again.

Every record id up to the cursor was read, or is on record as a gap.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from telemetry_pipeline.warehouse.db.connections import lock
from telemetry_pipeline.warehouse.raw.batch import Mark
from telemetry_pipeline.warehouse.raw.records import LOCK

_SAMPLE = 100


@dataclass(frozen=True)
class Cursor:
    """Where the sync is.

    :ivar record_id: 0 before the first sync, and to begin anew.
    :ivar set_at: when a person last set it.
    :ivar jump_id: the id behind a hole too wide to be plausible, which holds the cursor.
    :ivar ignored_id: records from this id on are left out as long as such a hole is below them.
    :ivar compared_after: stored records above this id have to be the upstream's still.
    :ivar read_after: what the upstream has up to this id is not read.
    :ivar distance: from one of the newest stored ids to the next, as nine of ten have it at most; of those above the id that a
        person set the cursor to. None: there are none that tell, and ids may begin anywhere.
    """

    record_id: int
    set_at: datetime | None
    jump_id: int | None
    ignored_id: int | None
    compared_after: int
    read_after: int
    distance: int | None

    @property
    def is_new(self) -> bool:
        """Whether nothing was read yet, or all is to be read anew."""
        return self.record_id == 0

    def ignores(self, record_id: int) -> bool:
        """Return whether a person said to leave that out, behind its hole."""
        return self.ignored_id is not None and record_id >= self.ignored_id


def read(engine: sa.Engine) -> Cursor:
    """Return where the sync is."""
    with engine.connect() as connection:
        return Cursor(*connection.execute(_READ).one())


def put(engine: sa.Engine, record_id: int) -> None:
    """Have the sync go on behind *record_id*, whatever syncs at work think; nothing holds it any more."""
    with _writing(engine) as connection:
        connection.execute(_PUT, {"record_id": record_id})


def ignore(engine: sa.Engine, record_id: int) -> None:
    """Leave out records from *record_id* on, as long as a hole is below them that is too wide to be plausible."""
    with _writing(engine) as connection:
        connection.execute(_IGNORE, {"record_id": record_id})


def hold(engine: sa.Engine, record_id: int | None) -> None:
    """Note what is behind the hole that holds the cursor; None: nothing does."""
    with engine.begin() as connection:
        connection.execute(_HOLD, {"record_id": record_id})


def trust(connection: sa.Connection) -> None:
    """Take the upstream for that of all stored records, whatever it gives in their place; later ones are compared."""
    connection.execute(_TRUST)
    _forget(connection)


def begin(connection: sa.Connection, record_id: int) -> None:
    """Take the upstream for another one than that of the stored records: of it, what is above *record_id* is read."""
    connection.execute(_PUT, {"record_id": record_id})
    connection.execute(_BEGIN, {"record_id": record_id})
    _forget(connection)


def _forget(connection: sa.Connection) -> None:
    """Forget what was to be read below."""
    connection.execute(_CLOSE_GAPS)
    connection.execute(_FORGET_REPAIRS)


def stored_from(connection: sa.Connection, record_id: int) -> int:
    """Return how many records are stored with that id or above."""
    return int(connection.scalar(_STORED_FROM, {"record_id": record_id}) or 0)


def samples(engine: sa.Engine, newest_id: int, spot: float) -> list[Mapping[int, Mark]]:
    """Return some stored records below the cursor, in runs without another one in between: the newest up to *newest_id*, and
    those at a *spot* of the way, from 0 to 1. None that is not to be compared.
    """
    with engine.connect() as connection:
        where = {"count": _SAMPLE, "newest_id": newest_id, "spot": spot}
        runs = [connection.execute(statement, where) for statement in (_NEWEST, _AT_SPOT)]
        return [{row.record_id: (row.timestamp, row.action_id) for row in run} for run in runs]


def stored_among(engine: sa.Engine, ids: Collection[int]) -> Mapping[int, Mark]:
    """Return those of *ids* that are stored below the cursor."""
    with engine.connect() as connection:
        rows = connection.execute(_AMONG, {"ids": [*ids]})
        return {row.record_id: (row.timestamp, row.action_id) for row in rows}


@contextmanager
def _writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    with engine.begin() as connection:
        lock(connection, LOCK)
        yield connection


_READ = sa.text("""
    select cursor, cursor_set_at, jump_id, ignored_id, compared_after, read_after, (
        select percentile_disc(0.9) within group (order by least(distance, 9223372036854775807))::bigint
        from (
            select record_id::numeric - lag(record_id) over (order by record_id) as distance
            from (
                select record_id from telemetry.records
                where record_id <= cursor and record_id > coalesce(cursor_set_to, -9223372036854775808)
                order by record_id desc limit 1000
            ) as newest
        ) as distances
        where distance is not null
    )
    from telemetry.sync_state
""")
_PUT = sa.text("""
    update telemetry.sync_state
    set cursor = :record_id, cursor_set_at = now(), cursor_set_to = :record_id, jump_id = null, ignored_id = null,
        read_after = least(read_after, :record_id)
""")
_IGNORE = sa.text("update telemetry.sync_state set ignored_id = :record_id")
_HOLD = sa.text("update telemetry.sync_state set jump_id = :record_id where jump_id is distinct from :record_id")
_TRUST = sa.text("update telemetry.sync_state set compared_after = cursor, read_after = cursor")
_BEGIN = sa.text("update telemetry.sync_state set compared_after = :record_id, read_after = :record_id")
_CLOSE_GAPS = sa.text("""
    update telemetry.sync_gaps set resolved_at = now()
    where resolved_at is null and first_record_id <= (select read_after from telemetry.sync_state)
""")
_FORGET_REPAIRS = sa.text("delete from telemetry.sync_repairs")
_STORED_FROM = sa.text("select count(*) from telemetry.records where record_id >= :record_id")
_NEWEST = sa.text("""
    select record_id, timestamp, action_id from telemetry.records
    where record_id <= (select least(cursor, :newest_id) from telemetry.sync_state)
      and record_id > (select compared_after from telemetry.sync_state)
    order by record_id desc limit :count
""")
_AMONG = sa.text("""
    select record_id, timestamp, action_id from telemetry.records
    where record_id = any(:ids) and record_id <= (select cursor from telemetry.sync_state)
""")
_AT_SPOT = sa.text("""
    select record_id, timestamp, action_id from telemetry.records
    where record_id <= (select cursor from telemetry.sync_state) and record_id > (
        select greatest(compared_after, lowest + floor((cursor::numeric - lowest) * cast(:spot as numeric)) - 1)::bigint
        from telemetry.sync_state, (
            select min(record_id) as lowest from telemetry.records
            where record_id > (select compared_after from telemetry.sync_state)
        ) as stored
    )
    order by record_id limit :count
""")
