"""Counts that say whether what is stored can be right; what is too much is decided elsewhere.

How far the newest ids reach down is a parameter of statements and no subquery, of which PostgreSQL cannot know how few they
are: it would read all records and views.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Set
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.days import Period
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.raw import duplicates

RECENT_IDS = 50_000
"""How far below the cursor a look at the newest records goes: more than a day of most operators, 20 ms."""

_RECENT = sa.text("select cursor - :recent from telemetry.sync_state")
_DUPLICATES = sa.text("""
select count(*) from (
    select record_id from telemetry.records where record_id > :after_id group by record_id having count(*) > 1
) as repeated
""")
_FUTURE = sa.text("""
select count(*) filter (where timestamp > now() + interval '1 hour'), count(*)
from telemetry.records where record_id > :after_id
""")
_REJECTED = sa.text("""
select coalesce(sum(rejected), 0)::bigint, coalesce(sum(records), 0)::bigint
from telemetry.receipts where hour > now() - interval '1 day'
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
select count(*) as views, count(*) filter (where channel_name is null) as unnamed
from telemetry.views where local_date between :first and :last
""")
_REPEATED = sa.text("""
select count(*) filter (where excluded = 'duplicate'), count(*) from telemetry.views where local_date = any(:days)
""")
_FUTURE_VIEWS = sa.text("""
select count(*) filter (where excluded = 'future'), count(*)
from telemetry.views where record_id > :after_id
""")
_ALL_FUTURE_VIEWS = sa.text("select count(*) from telemetry.views where excluded = 'future'")
_NEWEST_FUTURE_VIEWS = sa.text("""
select record_id, ended_at, received_at, device_id, channel_name, duration_seconds from telemetry.excluded_views
where reason = 'future' order by record_id desc limit 10
""")
_WATCHED = sa.text("""
select count(*), coalesce(sum(duration_seconds), 0)::bigint from telemetry.views
where local_date = any(:days) and excluded is null and duration_seconds is not null
""")
_BEYOND = sa.text("""
with long as materialized (
    select duration_seconds from telemetry.views
    where local_date = any(:days) and excluded is null and duration_seconds > 3600 * :least
)
select hours, count(duration_seconds) as views, coalesce(sum(duration_seconds - hours * 3600), 0) as seconds
from unnest(cast(:hours as double precision[])) as cap (hours) left join long on duration_seconds > hours * 3600
group by hours order by hours
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


NOTHING = Share(0, 0)


@dataclass(frozen=True)
class RecordsSeen:
    """What there is to judge records by.

    :ivar duplicates: record ids that are stored more than once.
    :ivar rejected: of the records of the last 24 hours. :ivar future: of the newest, those of more than an hour from now.
    """

    duplicates: int = 0
    rejected: Share = NOTHING
    future: Share = NOTHING


def look_at_records(engine: sa.Engine, *, recent: bool) -> RecordsSeen:
    """Return the records at one moment.

    :param recent: look for duplicates among the newest only; else among all, a moment before.
    """
    among_all = None if recent else duplicates.count(engine)
    with snapshot(engine) as connection:
        repeated = newest_duplicates(connection) if among_all is None else among_all
        return RecordsSeen(repeated, rejected_records(connection), future_records(connection))


def newest_duplicates(connection: sa.Connection) -> int:
    """Return how many of the newest record ids are stored more than once; of all ids ``duplicates.count`` tells."""
    return int(connection.scalar(_DUPLICATES, _newest(connection)) or 0)


def future_records(connection: sa.Connection) -> Share:
    """Return how many of the newest records claim to be of more than an hour from now."""
    return Share(*connection.execute(_FUTURE, _newest(connection)).one())


def _newest(connection: sa.Connection) -> dict[str, int]:
    """Return the id above which the newest are, as a parameter."""
    return {"after_id": int(connection.scalar(_RECENT, {"recent": RECENT_IDS}) or 0)}


def rejected_records(connection: sa.Connection) -> Share:
    """Return how many of the records that came in the last 24 hours, to the hour, were rejected."""
    rejected, stored = connection.execute(_REJECTED).one()
    return Share(rejected, rejected + stored)


def merged_stops(connection: sa.Connection, first: date, last: date) -> int:
    """Return how many stops of some days have a channel id and do not wait for a merge."""
    return int(connection.scalar(_STOPS, {"first": first, "last": last}) or 0)


def unnamed_views(connection: sa.Connection, first: date, last: date) -> Share:
    """Return how many views of some days, whether they count or not, have no name of their channel."""
    views, unnamed = connection.execute(_VIEWS, {"first": first, "last": last}).one()
    return Share(unnamed, views)


@dataclass(frozen=True)
class FutureViews:
    """Views that ended after they were received.

    :ivar recent: how many of the newest views did.
    :ivar total: how many of all did.
    :ivar newest: some of these, with when they ended and were received.
    """

    recent: Share = NOTHING
    total: int = 0
    newest: list[dict[str, Any]] = field(default_factory=list)


def future_views(connection: sa.Connection) -> FutureViews:
    """Return the views that do not count because they ended after they were received."""
    return FutureViews(
        Share(*connection.execute(_FUTURE_VIEWS, _newest(connection)).one()),
        int(connection.scalar(_ALL_FUTURE_VIEWS) or 0),
        [dict(row) for row in connection.execute(_NEWEST_FUTURE_VIEWS).mappings()],
    )


@dataclass(frozen=True)
class Beyond:
    """What lies beyond so many hours of each view: of how many views, and what share of all watch time in seconds."""

    hours: float
    views: Share
    seconds: Share


@dataclass(frozen=True)
class ViewsSeen:
    """What there is to judge views by.

    :ivar stops: those of the run's days with a channel id that do not wait for a merge.
    :ivar unnamed: of the views of these days.
    :ivar future: views that ended after they were received.
    :ivar repeated: of the views of the days that were merged. :ivar beyond: what limits in hours would cut of them.
    """

    stops: int = 0
    unnamed: Share = NOTHING
    future: FutureViews = field(default_factory=FutureViews)
    repeated: Share = NOTHING
    beyond: Mapping[float, Beyond] = field(default_factory=dict)


def look_at_views(engine: sa.Engine, period: Period, merged: Set[date], limits: Collection[float]) -> ViewsSeen:
    """Return the views at one moment, after a merge for the days of *period* that was about the days *merged*."""
    days = {period.first - timedelta(days=1), *period.days(), *merged}
    with snapshot(engine) as connection:
        return ViewsSeen(
            stops=merged_stops(connection, period.first, period.last),
            unnamed=unnamed_views(connection, period.first, period.last),
            future=future_views(connection),
            repeated=repeated_views(connection, days),
            beyond=watched_beyond(connection, days, limits),
        )


def repeated_views(connection: sa.Connection, days: Collection[date]) -> Share:
    """Return how many views of some days came before under another record id."""
    return Share(*connection.execute(_REPEATED, {"days": list(days)}).one())


def watched_beyond(connection: sa.Connection, of: Collection[date], hours: Collection[float]) -> dict[float, Beyond]:
    """Return what each of some limits, in hours, would cut of the views that count of some days."""
    days = {"days": list(of)}
    limits = sorted({float(limit) for limit in hours})
    views, seconds = connection.execute(_WATCHED, days).one()
    return {
        row.hours: Beyond(row.hours, Share(row.views, views), Share(round(row.seconds), seconds))
        for row in connection.execute(_BEYOND, {**days, "hours": limits, "least": limits[0]})
    }


@dataclass(frozen=True)
class Freshness:
    """When a sync last got through, and when it last stored a record; None: never."""

    synced_at: datetime | None
    received_at: datetime | None


def read_freshness(engine: sa.Engine) -> Freshness:
    """Return how fresh what is stored is.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    with engine.connect() as connection:
        return Freshness(*connection.execute(sa.text("select synced_at, received_at from telemetry.sync_state")).one())
