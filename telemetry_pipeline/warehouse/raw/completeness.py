"""What is known of days: which were read to their end, and up to when the others are known.

It follows from what was received and never from the clock, so that the same data says the same. What analyses make of it
is said there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from telemetry_pipeline.days import Completeness
from telemetry_pipeline.warehouse.raw.claims import claim


def read(connection: sa.Connection) -> Completeness:
    """Return what is known of all days, seen through a connection that holds one moment."""
    known_until, complete_before, first_day = connection.execute(_STATE).one()
    repaired = connection.execute(_REPAIRED).scalars()
    gaps = tuple((row.first_date, row.last_date) for row in connection.execute(_GAPS))
    return Completeness(known_until, complete_before, frozenset(repaired), gaps, first_day)


def merged(connection: sa.Connection) -> Completeness:
    """Return what is known of all days as the views have them: one of which records wait to be merged is as one with a gap."""
    known = read(connection)
    return replace(known, gaps=(*known.gaps, *((day, day) for day in connection.scalars(_PENDING))))


def live_edge_read(engine: sa.Engine, began_at: datetime, operator_zone: ZoneInfo) -> None:
    """Note that a sync read all that was above the cursor, or put it on record as gaps.

    :param began_at: when it began.
    """
    with engine.begin() as connection:
        claim(connection, {"operator_timezone": operator_zone.key})
        parameters = {"began_at": began_at, "today": began_at.astimezone(operator_zone).date()}
        connection.execute(_LIVE_EDGE_READ, parameters)


def days_read(engine: sa.Engine, days: Collection[date], began_at: datetime, operator_zone: ZoneInfo) -> None:
    """Note that a repair read some days to their end; those that were over when it began are complete.

    :param began_at: when its first step began.
    """
    today = began_at.astimezone(operator_zone).date()
    with engine.begin() as connection:
        claim(connection, {"operator_timezone": operator_zone.key})
        connection.execute(_DAYS_READ, {"days": [day for day in days if day < today]})


# What a repair that began later has stored meanwhile says nothing of the live edge.
_LIVE_EDGE_READ = sa.text("""
    update telemetry.sync_state set known_until = news.known_until, complete_before = news.complete_before
    from (
        select greatest(known_until, case when newest_receipt is not null then least(newest_receipt, :began_at) end)
                   as known_until,
               greatest(complete_before, :today) as complete_before
        from telemetry.sync_state
    ) as news
    where (sync_state.known_until, sync_state.complete_before) is distinct from (news.known_until, news.complete_before)
""")
_DAYS_READ = sa.text("""
    insert into telemetry.complete_days (local_date) select unnest(cast(:days as date[])) on conflict do nothing
""")
# A box with a wrong clock tells of a day long before: data begin behind the last four weeks without any.
_STATE = sa.text("""
    select known_until, complete_before, (
        select max(local_date) from (
            select local_date, lag(local_date) over (order by local_date) as day_before from telemetry.view_days
            where local_date <= coalesce(complete_before, 'infinity')
        ) as days
        where day_before is null or local_date - day_before > 28
    )
    from telemetry.sync_state
""")
_REPAIRED = sa.text("""
    select local_date from telemetry.complete_days
    where local_date >= coalesce((select complete_before from telemetry.sync_state), '-infinity')
""")
_PENDING = sa.text("select distinct unnest(days) from telemetry.pending_merges")
# A gap that an earlier version put on record, and that may lie anywhere, lies everywhere.
_GAPS = sa.text("""
    select distinct coalesce(first_date, date '0001-01-01') as first_date, coalesce(last_date, date '9999-12-31') as last_date
    from telemetry.sync_gaps where resolved_at is null order by first_date, last_date
""")
