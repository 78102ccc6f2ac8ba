"""Counts that say whether what is stored can be right. Reads only; what is too much is decided elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa

from telemetry_pipeline.warehouse.reading import explained

RECENT_IDS = 50_000
"""How far below the cursor a look at the newest records goes: more than a day of most operators, 20 ms."""

_DUPLICATES = sa.text("""
select count(*) from (
    select record_id from telemetry.records where record_id > :after_id group by record_id having count(*) > 1
) as repeated
""")
_FUTURE = sa.text("""
select count(*) filter (where timestamp > now() + interval '1 hour'), count(*)
from telemetry.records
where record_id > (select cursor - :recent from telemetry.sync_state)
""")
_REJECTED = sa.text("""
select (select count(*) from telemetry.rejected_records where rejected_at > now() - interval '1 day'),
       (select count(*) from telemetry.records where local_date between :first and :last)
""")
# Stops that were stored after the merge began wait for the next one, in ranges that may hold some which were merged before.
_STOPS = sa.text("""
select (
    select count(*) from telemetry.records
    where local_date between :first and :last and action_id = 8 and data_id is not null
      and not exists (select from telemetry.pending_merges where record_id between first_record_id and last_record_id)
) + (
    select count(*) from telemetry.views
    where local_date between :first and :last
      and exists (select from telemetry.pending_merges where record_id between first_record_id and last_record_id)
)
""")
_VIEWS = sa.text("""
select count(*), count(*) filter (where channel_name is null)
from telemetry.views where local_date between :first and :last
""")


@dataclass(frozen=True)
class Share:
    """Some of all."""

    some: int
    all: int

    @property
    def percent(self) -> float:
        """0 to 100; 0 of nothing."""
        return 100 * self.some / self.all if self.all else 0.0


def duplicate_ids(connection: sa.Connection, *, recent: bool) -> int:
    """How many record ids are stored more than once; of the newest ones only, where *recent*."""
    after = connection.scalar(sa.text("select cursor from telemetry.sync_state")) - RECENT_IDS if recent else -1
    return int(connection.scalar(_DUPLICATES, {"after_id": after}) or 0)


def future_records(connection: sa.Connection) -> Share:
    """How many of the newest records claim to be of more than an hour from now."""
    return Share(*connection.execute(_FUTURE, {"recent": RECENT_IDS}).one())


def rejected_records(connection: sa.Connection, first: date, last: date) -> Share:
    """How many records were rejected in the last 24 hours, of those and what is stored of some days."""
    rejected, stored = connection.execute(_REJECTED, {"first": first, "last": last}).one()
    return Share(rejected, rejected + stored)


def merged_stops(connection: sa.Connection, first: date, last: date) -> int:
    """How many stops of some days have a channel id and do not wait for a merge."""
    return int(connection.scalar(_STOPS, {"first": first, "last": last}) or 0)


def unnamed_views(connection: sa.Connection, first: date, last: date) -> Share:
    """How many views of some days have no name of their channel."""
    views, unnamed = connection.execute(_VIEWS, {"first": first, "last": last}).one()
    return Share(unnamed, views)


@dataclass(frozen=True)
class Freshness:
    """When a sync last got through, and when it last stored a record; None: never."""

    synced_at: datetime | None
    received_at: datetime | None


def read_freshness(engine: sa.Engine) -> Freshness:
    """How fresh what is stored is.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    with explained(), engine.connect() as connection:
        return Freshness(*connection.execute(sa.text("select synced_at, received_at from telemetry.sync_state")).one())
