"""Views: stops merged with the names that starts give their channels.

A merge costs what is new: it takes the ids that the sync left in ``pending_merges``, brings the history of names up to date,
mends the views whose name that changes, inserts the new views, and settles which views count, all in one transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import date, timedelta

import sqlalchemy as sa

from telemetry_pipeline.warehouse.core import exclusions, segments
from telemetry_pipeline.warehouse.core.exclusions import Arrivals
from telemetry_pipeline.warehouse.core.names import update_names
from telemetry_pipeline.warehouse.core.pending import AMONG_PENDING, claim_pending
from telemetry_pipeline.warehouse.db.connections import lock, snapshot
from telemetry_pipeline.warehouse.raw.claims import claim

LOCK = "telemetry.views"
"""Writers of views take turns under it."""


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
        """Return what both did."""
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
    :raises WarehouseError: PostgreSQL failed; everything is as it was.
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
            pending = claim_pending(connection)
            parameters: dict[str, object] = {"operator_timezone": operator_timezone}
            changed: set[date] = set()
            spilled: set[date] = set()
            if update_names(connection, pending):
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
                    condition = AMONG_PENDING
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
    pending = [replace(piece, days=everything) for piece in claim_pending(connection)]
    update_names(connection, pending)
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


@dataclass(frozen=True)
class DayTotals:
    """What a local date has.

    :ivar rows: all views. :ivar views: those that count. :ivar watch_hours: their time, without a cap.
    """

    rows: int = 0
    views: int = 0
    watch_hours: float = 0.0


NO_VIEWS = DayTotals()


def totals_by_day(engine: sa.Engine, days: Collection[date]) -> dict[date, DayTotals]:
    """Return what each of some local dates has; those without views are left out."""
    with engine.connect() as connection:
        found = connection.execute(_TOTALS_BY_DAY, {"days": list(days)})
        return {day: DayTotals(rows, views, float(seconds) / 3600) for day, rows, views, seconds in found}


def _insert(connection: sa.Connection, condition: str, parameters: dict[str, object]) -> int:
    known = connection.scalar(sa.text(_ANY_KNOWN.format(condition=condition.replace("records.", "views."))), parameters)
    statement = _INSERT_VIEWS.format(condition=condition, on_conflict="on conflict do nothing" if known else "")
    return connection.execute(sa.text(statement), parameters).rowcount


# A rebuild that finds every view as it was changes nothing for those who compute from views.
_CONTENTS = sa.text("""
    select local_date, count(*), sum(hashtextextended(views::text, 0)) from telemetry.views
    where local_date between :rebuild_first and :rebuild_last group by local_date
""")

_DAYS = sa.text("select distinct local_date from telemetry.views where local_date between :rebuild_first and :rebuild_last")

_DELETE_DAYS = sa.text("delete from telemetry.views where local_date between :rebuild_first and :rebuild_last")

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

_TOTALS_BY_DAY = sa.text("""
    select local_date, count(*), count(duration_seconds) filter (where excluded is null),
           coalesce(sum(duration_seconds) filter (where excluded is null), 0)
    from telemetry.views where local_date = any(:days) group by local_date
""")
