"""What is in the warehouse right now, for people who ask how the pipeline is doing. Reads only."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import sqlalchemy as sa

from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.operations.problems import ANOTHER

# Below this size counting takes less than a second; above it, PostgreSQL's own statistics have to do.
_COUNT_UP_TO_BYTES = 500_000_000

_SIZE = """
select coalesce(sum(pg_relation_size(relid)), 0)
from pg_partition_tree(to_regclass(:table)) where isleaf
"""
_ESTIMATE = """
select coalesce(sum(pg_stat_get_live_tuples(relid)), 0)
from pg_partition_tree(to_regclass(:table)) where isleaf
"""
# Some devices' clocks are ahead, and devices that were offline send old records under new ids.
_NEWEST = """
select max(timestamp)
from (select timestamp from telemetry.records order by record_id desc limit 1000) as latest
where timestamp <= now()
"""
_READ_ONLY = "select pg_is_in_recovery() or current_setting('default_transaction_read_only')::boolean"
_STATE = "select cursor, synced_at, jump_id, ignored_id <= jump_id from telemetry.sync_state"
_LAST_SYNC = sa.text("""
select (select max(synced_at) from telemetry.sync_state),
    (select max(last_at) from telemetry.problems where key = :another and resolved_at is null), clock_timestamp()
""")
_GAPS = """
select count(*), coalesce(sum(last_record_id::numeric - first_record_id + 1), 0)
from telemetry.sync_gaps where resolved_at is null
"""
_REJECTED = """
select reason, count(*) as records, max(rejected_at) as last_at
from telemetry.rejected_records group by reason order by count(*) desc, reason
"""
_EXCLUDED = "select excluded, count(*) from telemetry.views where excluded is not null group by excluded order by excluded"
_DEAD_LETTERS = "select count(*) from telemetry.dead_letters where settled_at is null"


@dataclass(frozen=True)
class Count:
    """Rows of a table; of a large one only about that many."""

    rows: int
    exact: bool


@dataclass(frozen=True)
class Rejected:
    """How many records were put aside for one reason."""

    reason: str
    records: int
    last_at: datetime


@dataclass(frozen=True)
class WarehouseStatus:
    """How far the warehouse has come.

    :ivar excluded: how many views do not count, by the reason.
    :ivar dead_letters: steps that failed after all retries and wait for somebody.
    :ivar cursor: the highest record id that was read.
    :ivar jump_id: the id behind a hole too wide to be plausible; None: there is none. :ivar left_out: whether a person said to
        leave out what is behind it; else it holds the cursor.
    :ivar synced_at: when a sync, of the live edge or of past days, last came forward.
    :ivar newest_at: time of the newest record that is not in the future.
    :ivar open_gaps: ranges of ids that the upstream could not deliver yet.
    :ivar open_gap_ids: how many ids these ranges span.
    :ivar read_only: whether PostgreSQL takes no changes.
    """

    records: Count
    views: Count
    cursor: int
    synced_at: datetime | None
    newest_at: datetime | None
    open_gaps: int
    open_gap_ids: int
    rejected: list[Rejected]
    dead_letters: int
    jump_id: int | None = None
    left_out: bool = False
    excluded: dict[str, int] = field(default_factory=dict)
    read_only: bool = False


@dataclass(frozen=True)
class LastSync:
    """When a sync last came forward, by PostgreSQL's clock.

    :ivar refused_at: when one last took nothing, for PanAccess is another one than that of the stored records.
    :ivar now: when that was asked.
    """

    synced_at: datetime | None
    refused_at: datetime | None
    now: datetime


def last_sync(connection: sa.Connection) -> LastSync:
    """Return when a sync last came forward, or was refused."""
    return LastSync(*connection.execute(_LAST_SYNC, {"another": ANOTHER}).one())


def read_status(engine: sa.Engine) -> WarehouseStatus:
    """Read it all in one snapshot.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    with snapshot(engine) as connection:
        cursor, synced_at, jump_id, left_out = connection.execute(sa.text(_STATE)).one()
        gaps, gap_ids = connection.execute(sa.text(_GAPS)).one()
        return WarehouseStatus(
            records=count(connection, "telemetry.records"),
            views=count(connection, "telemetry.views"),
            cursor=cursor,
            synced_at=synced_at,
            jump_id=jump_id,
            left_out=bool(left_out),
            newest_at=connection.scalar(sa.text(_NEWEST)),
            open_gaps=gaps,
            open_gap_ids=int(gap_ids),
            rejected=[Rejected(*row) for row in connection.execute(sa.text(_REJECTED))],
            excluded=dict(connection.execute(sa.text(_EXCLUDED)).all()),
            dead_letters=connection.scalar(sa.text(_DEAD_LETTERS)) or 0,
            read_only=bool(connection.scalar(sa.text(_READ_ONLY))),
        )


def count(connection: sa.Connection, table: str) -> Count:
    """Return the number of rows of a partitioned table, given with its schema; an estimate where counting would take long."""
    size = connection.scalar(sa.text(_SIZE), {"table": table}) or 0
    if size > _COUNT_UP_TO_BYTES:
        return Count(int(connection.scalar(sa.text(_ESTIMATE), {"table": table}) or 0), exact=False)
    schema, _, name = table.partition(".")
    rows = connection.scalar(sa.select(sa.func.count()).select_from(sa.table(name, schema=schema)))
    return Count(rows or 0, exact=True)
