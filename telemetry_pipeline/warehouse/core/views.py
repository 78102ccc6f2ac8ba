"""Views: stops merged with the names that starts give their channels.

The history of names is kept as maximal runs of consecutive starts with one name, so that a start that becomes visible late
changes exactly what it should. A merge costs what is new: it takes the ids that the sync left in ``pending_merges``, brings
the runs up to date, mends the views whose name that changes, inserts the new views, and settles which views count, all in
one transaction.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import sqlalchemy as sa

from telemetry_pipeline.warehouse.core import exclusions, segments
from telemetry_pipeline.warehouse.core.exclusions import Arrivals
from telemetry_pipeline.warehouse.db.connections import lock, snapshot
from telemetry_pipeline.warehouse.raw.claims import claim

LOCK = "telemetry.views"
"""Writers of views take turns under it."""

_SAME_RANGE_MAX_HOLE = 1_000
_LARGE_RANGE = 100_000


@dataclass
class Merged:
    """What a merge did.

    :ivar inserted: views that are new, those of rebuilt days included.
    :ivar renamed: views that were there and got another name.
    :ivar days: the local dates that this is about.
    """

    inserted: int = 0
    renamed: int = 0
    days: set[date] = field(default_factory=set)

    def __add__(self, other: Merged) -> Merged:
        """What both did."""
        return Merged(self.inserted + other.inserted, self.renamed + other.renamed, self.days | other.days)


def merge(
    engine: sa.Engine,
    operator_timezone: str,
    *,
    rebuild: tuple[date, date] | None = None,
    checkpoint: Callable[[], None] = lambda: None,
) -> Merged:
    """Merge what is pending, and everything of the days *rebuild* (both included) anew.

    :param checkpoint: called before the commit; raises to leave everything as it was.
    :raises WarehouseError: the stored days are those of another time zone.
    :raises sqlalchemy.exc.DBAPIError: PostgreSQL failed; everything is as it was.
    """
    merged = Merged()
    made_with = {"operator_timezone": operator_timezone}
    with engine.begin() as connection:
        claim(connection, made_with)
    with engine.begin() as turn:
        lock(turn, LOCK)
        claim(turn, made_with)  # it may have changed while this waited for its turn
        # What the sync stores meanwhile is left whole to the next merge.
        with snapshot(engine) as connection:
            pending = _claim_pending(connection)
            parameters: dict[str, object] = {"operator_timezone": operator_timezone}
            changed: set[date] = set()
            spilled: set[date] = set()
            if _update_names(connection, pending):
                for local_date, renamed, begun_before in connection.execute(_RENAME_VIEWS, parameters):
                    merged.renamed += renamed
                    changed.add(local_date)
                    if begun_before:
                        spilled.add(local_date)
                merged.days.update(changed)
            if rebuild:
                rebuilt = _rebuild(connection, rebuild, parameters, merged)
                changed |= rebuilt
                spilled |= rebuilt
            if pending:
                inserted = Arrivals(operator_timezone)
                for piece in pending:
                    condition = _AMONG_PENDING
                    if rebuild:
                        condition += " and records.local_date not between :rebuild_first and :rebuild_last"
                    views = _insert(connection, condition, {**parameters, **piece.bounds})
                    inserted.add(piece.low, piece.high, piece.days, inserted=views, seen_again=piece.seen_again)
                    merged.inserted += views
                    merged.days.update(piece.days)
                judged = exclusions.judge(connection, inserted)
                changed |= judged.changed
                spilled |= judged.spilled
            segments.mark_changed(connection, changed, spilled & changed)
            checkpoint()
    return merged


def _rebuild(connection: sa.Connection, rebuild: tuple[date, date], parameters: dict[str, object], merged: Merged) -> set[date]:
    """Merge everything of some days anew; gives those whose views are not what they were."""
    parameters |= {"rebuild_first": rebuild[0], "rebuild_last": rebuild[1]}
    before = set(connection.execute(_CONTENTS, parameters).all())
    connection.execute(_DELETE_DAYS, parameters)
    inserted = _insert(connection, "records.local_date between :rebuild_first and :rebuild_last", parameters)
    merged.inserted += inserted
    if inserted:
        exclusions.judge_days(connection, [rebuild[0] + timedelta(days=n) for n in range((rebuild[1] - rebuild[0]).days + 1)])
    after = set(connection.execute(_CONTENTS if before else _DAYS, parameters).all())
    return {row.local_date for row in before ^ after}


def merge_everything(connection: sa.Connection, operator_timezone: str) -> None:
    """Merge all records anew, in the caller's transaction and turn, and make the views of every day new ones."""
    everything = frozenset({date.min, date.max})
    pending = [replace(piece, days=everything) for piece in _claim_pending(connection)]
    _update_names(connection, pending)
    connection.execute(sa.text("delete from telemetry.views"))
    _insert(connection, "true", {"operator_timezone": operator_timezone})
    days = list(connection.scalars(sa.text("select distinct local_date from telemetry.views")))
    exclusions.judge_days(connection, days)
    segments.forget_others(connection, days)
    segments.mark_changed(connection, days, days)


def analyze(engine: sa.Engine) -> None:
    """Give PostgreSQL fresh statistics after a large merge; autovacuum would take minutes to notice."""
    with engine.begin() as connection:
        connection.execute(sa.text("select telemetry.analyze_views()"))


def count_by_day(engine: sa.Engine, days: Collection[date]) -> Counter[date]:
    """How many views each of some local dates has."""
    with engine.connect() as connection:
        return Counter(dict(connection.execute(_COUNT_BY_DAY, {"days": list(days)}).all()))


@dataclass(frozen=True)
class _Pending:
    """A range of ids, both ends included, and the local dates of the records that are new in it, or were seen again."""

    low: int
    high: int
    days: frozenset[date]
    seen_again: bool

    @property
    def bounds(self) -> dict[str, object]:
        """As parameters; the dates tell PostgreSQL which partitions to leave alone."""
        return {"low": self.low, "high": self.high, "first_date": min(self.days), "last_date": max(self.days)}


_AMONG_PENDING = "records.record_id between :low and :high and records.local_date between :first_date and :last_date"


def _claim_pending(connection: sa.Connection) -> list[_Pending]:
    """Take what is pending, as disjoint ranges of ids in order."""
    joined: list[_Pending] = []
    for low, high, days, seen_again in sorted(connection.execute(_CLAIM_PENDING).all()):
        piece = _Pending(low, high, frozenset(days), seen_again)
        if joined and low - joined[-1].high <= _SAME_RANGE_MAX_HOLE:
            before = joined.pop()
            piece = _Pending(before.low, max(before.high, high), before.days | piece.days, before.seen_again or seen_again)
        joined.append(piece)
    return joined


def _update_names(connection: sa.Connection, pending: list[_Pending]) -> bool:
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


def _insert(connection: sa.Connection, condition: str, parameters: dict[str, object]) -> int:
    known = connection.scalar(sa.text(_ANY_KNOWN.format(condition=condition.replace("records.", "views."))), parameters)
    statement = _INSERT_VIEWS.format(condition=condition, on_conflict="on conflict do nothing" if known else "")
    return connection.execute(sa.text(statement), parameters).rowcount


# PostgreSQL expects an aggregate of names to return far more rows than it does, and leaves it to one process.
_ENCOURAGE_WORKERS = sa.text("set local parallel_setup_cost = 0; set local parallel_tuple_cost = 0")

# A rebuild that finds every view as it was changes nothing for those who compute from views.
_CONTENTS = sa.text("""
    select local_date, count(*), sum(hashtextextended(views::text, 0)) from telemetry.views
    where local_date between :rebuild_first and :rebuild_last group by local_date
""")
_DAYS = sa.text("select distinct local_date from telemetry.views where local_date between :rebuild_first and :rebuild_last")
_DELETE_DAYS = sa.text("delete from telemetry.views where local_date between :rebuild_first and :rebuild_last")

_CLAIM_PENDING = sa.text("delete from telemetry.pending_merges returning first_record_id, last_record_id, days, seen_again")

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

_RENAME_VIEWS = sa.text("""
    with renamed as (
        update telemetry.views set channel_name = names.name
        from affected join names using (channel_id)
        where views.channel_id = affected.channel_id and views.record_id >= affected.valid_from
          and (affected.valid_before is null or views.record_id < affected.valid_before)
          and views.record_id >= names.valid_from
          and (names.valid_before is null or views.record_id < names.valid_before)
          and views.channel_name is distinct from names.name
        returning views.local_date, views.started_at
    )
    select local_date, count(*), bool_or(started_at < local_date::timestamp at time zone :operator_timezone)
    from renamed group by local_date
""")

_ANY_KNOWN = "select exists (select from telemetry.views where {condition})"

_INSERT_VIEWS = """
    insert into telemetry.views (record_id, local_date, local_hour, ended_at, started_at, duration_seconds, channel_id,
                                 channel_name, subscriber_code, device_id, country, isp, excluded)
    select records.record_id, records.local_date,
           extract(hour from records.timestamp at time zone :operator_timezone)::smallint,
           records.timestamp,
           case when duration_seconds >= 0 then records.timestamp - make_interval(secs => duration_seconds) end,
           case when duration_seconds >= 0 then duration_seconds end,
           records.data_id, coalesce(names.name, nullif(records.data_name, '')),
           nullif(records.subscriber_code, ''), records.device_id, nullif(records.whois_country, ''),
           nullif(records.whois_isp, ''), case when records.timestamp > records.received_at then 'future' end
    from telemetry.records
    left join names on names.channel_id = records.data_id and records.record_id >= names.valid_from
                   and (names.valid_before is null or records.record_id < names.valid_before)
    where action_id = 8 and data_id is not null and {condition}
    {on_conflict}
"""

_COUNT_BY_DAY = sa.text("""
    select local_date, count(*) from telemetry.views
    where local_date = any(:days)
    group by local_date
""")
