"""The history of channel names: maximal runs of consecutive starts with one name, so that a start that becomes visible late
changes exactly what it should.
"""

from __future__ import annotations

import sqlalchemy as sa

from telemetry_pipeline.warehouse.core.pending import Pending

_LARGE_RANGE = 100_000

# PostgreSQL expects an aggregate of names to return far more rows than it does, and leaves it to one process.
_ENCOURAGE_WORKERS = sa.text("set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0")
_NAMES = sa.text("select distinct name from telemetry.channel_names order by name limit :most")
_IS_NAME = sa.text("select exists (select from telemetry.channel_names where name = :name)")


def find_names(connection: sa.Connection, most: int) -> list[str]:
    """Return names that channels have or had, in order."""
    return list(connection.scalars(_NAMES, {"most": most}))


def is_name(connection: sa.Connection, name: str) -> bool:
    """Return whether a channel has or had this name."""
    return bool(connection.scalar(_IS_NAME, {"name": name.replace("\0", "")}))


def update_names(connection: sa.Connection, pending: list[Pending]) -> bool:
    """Bring the runs up to date, and say whether that changed the name of anything.

    Of small temporary tables without statistics PostgreSQL expects so much that it would read every record and view.
    """
    for statement in _PREPARE_NAMES:
        connection.execute(statement)
    if any(piece.high - piece.low > _LARGE_RANGE for piece in pending):
        connection.execute(_ENCOURAGE_WORKERS)
    for piece in pending:
        # Read and written in two steps, for only a statement that writes nothing is computed in parallel.
        if spans := [row._asdict() for row in connection.execute(_SPANS, piece.bounds)]:
            connection.execute(_KEEP_SPANS, spans)
    entangled = connection.execute(_FIND_ENTANGLED).rowcount
    connection.execute(_POINTS_OF_RUNS)
    if entangled:
        connection.execute(sa.text("analyze entangled"))
        for piece in pending:
            connection.execute(_POINTS_OF_STARTS, piece.bounds)
    for statement in _REPLACE_RUNS:
        connection.execute(statement)
    affected = connection.execute(_FIND_AFFECTED).rowcount > 0
    if affected:
        # Without it the planner expects thousands of rows, and reads all views to rename a few.
        connection.execute(sa.text("analyze affected"))
    return affected


_PREPARE_NAMES = [
    sa.text(statement)
    for statement in (
        "create temporary table spans (channel_id bigint, name text, first_id bigint, last_id bigint) on commit drop",
        "create temporary table entangled (channel_id bigint primary key) on commit drop",
        "create temporary table affected (channel_id bigint, valid_from bigint, valid_before bigint) on commit drop",
        "create temporary table points (channel_id bigint, record_id bigint, name text) on commit drop",
    )
]

# Where the new starts of each name begin and end. For most channels this is all there is to know.
_SPANS = sa.text("""
    select data_id as channel_id, data_name as name, min(record_id) as first_id, max(record_id) as last_id
    from telemetry.records
    where action_id = 7 and data_name <> '' and data_id is not null and record_id between :low and :high
      and local_date between :first_date and :last_date
    group by data_id, data_name
""")

_KEEP_SPANS = sa.text(
    "insert into spans (channel_id, name, first_id, last_id) values (:channel_id, :name, :first_id, :last_id)"
)

# Channels whose spans and runs overlap: there, single starts have to be looked at.
_FIND_ENTANGLED = sa.text("""
    insert into entangled
    select distinct channel_id from (
        select channel_id, first_id,
               max(last_id) over (partition by channel_id order by first_id, last_id
                                  rows between unbounded preceding and 1 preceding) as reached
        from (
            select channel_id, first_id, last_id from spans
            union all
            select channel_id, first_record_id, last_record_id from telemetry.channel_names
            where channel_id in (select channel_id from spans)
        ) as pieces
    ) as ordered
    where first_id <= reached
""")

_POINTS_OF_RUNS = sa.text("""
    insert into points
    select channel_id, unnest(array[first_record_id, last_record_id]), name from telemetry.channel_names
    where channel_id in (select channel_id from spans)
    union all
    select channel_id, unnest(array[first_id, last_id]), name from spans
    where channel_id not in (select channel_id from entangled)
""")

# Of an entangled channel: every new start, and where one falls inside a run of another name, its neighbours, which become
# the ends of the two halves.
_POINTS_OF_STARTS = sa.text("""
    with new_starts as materialized (
        select data_id as channel_id, record_id, data_name as name from telemetry.records
        where action_id = 7 and data_name <> '' and data_id in (select channel_id from entangled)
          and record_id between :low and :high and local_date between :first_date and :last_date
    ), splitting as materialized (
        select new_starts.channel_id, new_starts.record_id from new_starts
        join telemetry.channel_names as run
          on run.channel_id = new_starts.channel_id and run.name <> new_starts.name
         and new_starts.record_id > run.first_record_id and new_starts.record_id < run.last_record_id
    )
    insert into points
    select channel_id, record_id, name from new_starts
    union all
    select splitting.channel_id, before.record_id, before.data_name from splitting cross join lateral (
        select record_id, data_name from telemetry.records
        where action_id = 7 and data_name <> '' and data_id = splitting.channel_id and record_id < splitting.record_id
        order by record_id desc limit 1
    ) as before
    union all
    select splitting.channel_id, after.record_id, after.data_name from splitting cross join lateral (
        select record_id, data_name from telemetry.records
        where action_id = 7 and data_name <> '' and data_id = splitting.channel_id and record_id > splitting.record_id
        order by record_id limit 1
    ) as after
""")

# The first name of a channel also holds for the stops before its first start.
_VALIDITY = """
    select channel_id, name,
           case when lag(first_record_id) over channel is null then -9223372036854775808 else first_record_id end
               as valid_from,
           lead(first_record_id) over channel as valid_before
    from {runs}
    window channel as (partition by channel_id order by first_record_id)
"""

_REPLACE_RUNS = [
    sa.text(statement)
    for statement in (
        f"""
        create temporary table old_names on commit drop as
        select * from ({_VALIDITY.format(runs="telemetry.channel_names")}) as validity
        where channel_id in (select channel_id from spans)
        """,
        "delete from telemetry.channel_names where channel_id in (select channel_id from spans)",
        """
        insert into telemetry.channel_names (channel_id, name, first_record_id, last_record_id)
        select channel_id, name, min(record_id), max(record_id) from (
            select channel_id, record_id, name, count(*) filter (where changed)
                       over (partition by channel_id order by record_id) as run
            from (
                select channel_id, record_id, name,
                       name is distinct from lag(name) over (partition by channel_id order by record_id) as changed
                from (select distinct channel_id, record_id, name from points) as distinct_points
            ) as marked
        ) as numbered
        group by channel_id, name, run
        """,
        f"""
        create temporary table names on commit drop as {_VALIDITY.format(runs="telemetry.channel_names")}
        """,
        "analyze names",
    )
]

# Where a name begins that did not begin there before, and where one did that does so no more.
_FIND_AFFECTED = sa.text("""
    insert into affected
    select channel_id, valid_from, valid_before from names
    where channel_id in (select channel_id from spans) and not exists (
        select from old_names
        where (old_names.channel_id, old_names.name, old_names.valid_from)
            = (names.channel_id, names.name, names.valid_from)
    )
    union all
    select channel_id, valid_from, valid_before from old_names
    where not exists (
        select from names
        where (old_names.channel_id, old_names.name, old_names.valid_from)
            = (names.channel_id, names.name, names.valid_from)
    )
""")
