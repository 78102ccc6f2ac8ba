"""Changes what is stored to other settings than it was made with, in one transaction: all of it, or nothing.

* *Another operator's time zone*: the moments stay, and every local date and hour is made of them anew.
* *Another time zone of the upstream*: the clock times that it gave stay, and moments and dates are made of them anew. So a
  record that is read again comes out as it is stored. (An upstream that itself moves to another zone gives its old records in
  it, too; those that are stored are right then, and this is not for it.)
* *Another upstream* under the same ids: nothing stored changes.

Views are merged anew from the records, and every result is out of date.
"""

from __future__ import annotations

from collections.abc import Mapping

import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.core import segments, views
from telemetry_pipeline.warehouse.db.connections import lock
from telemetry_pipeline.warehouse.raw import claims, cursor
from telemetry_pipeline.warehouse.raw.records import LOCK as RECORDS_LOCK


def plan(engine: sa.Engine, made_with: Mapping[str, str], *, same: bool = False, begins_at: int | None = None) -> list[str]:
    """Return what :func:`adopt` would do, a sentence for each change.

    :raises RequestRefused: records are stored with the id *begins_at* or above.
    """
    with engine.connect() as connection:
        known = claims.stored(connection)
        steps = [
            _PLANS[name].format(was=known[name], wanted=wanted)
            for name, wanted in made_with.items()
            if known.get(name, wanted) != wanted
        ]
        if same:
            steps.append(_SAME.format(at=cursor.read(engine).record_id))
        if begins_at is not None:
            _refuse_overlap(connection, begins_at)
            steps.append(_BEGINS.format(at=begins_at))
    return steps


def adopt(engine: sa.Engine, made_with: Mapping[str, str], *, same: bool = False, begins_at: int | None = None) -> int:
    """Make of what is stored what these settings would have made of it, and claim them.

    Writers wait meanwhile; readers see what was there before until it commits.

    :param made_with: of every claim.
    :param same: the upstream is that of all stored records, although it gives others in their place.
    :param begins_at: it is another one, whose records begin with that id.
    :returns: of how many records the time or the day changed.
    :raises RequestRefused: records are stored with the id *begins_at* or above.
    """
    with engine.begin() as connection:
        for name in (RECORDS_LOCK, views.LOCK, segments.LOCK):
            lock(connection, name)
        known = {**made_with, **claims.stored(connection)}
        zones = {
            "panaccess_was": known["panaccess_timezone"],
            "panaccess_is": made_with["panaccess_timezone"],
            "operator_was": known["operator_timezone"],
            "operator_is": made_with["operator_timezone"],
        }
        changed = 0
        if zones["panaccess_was"] != zones["panaccess_is"]:
            changed = connection.execute(_TIMES_ANEW, zones).rowcount
        if changed or zones["operator_was"] != zones["operator_is"]:
            changed = max(changed, connection.execute(_DAYS_ANEW, zones).rowcount)
            for statement in _KNOWLEDGE_ANEW:
                connection.execute(statement, zones)
            views.merge_everything(connection, zones["operator_is"])
        claims.overwrite(connection, made_with)
        if same:
            cursor.trust(connection)
        if begins_at is not None:
            _refuse_overlap(connection, begins_at)
            cursor.begin(connection, begins_at - 1)
    views.analyze(engine)
    return changed


def _refuse_overlap(connection: sa.Connection, begins_at: int) -> None:
    if overlapping := cursor.stored_from(connection, begins_at):
        raise RequestRefused(
            f"{overlapping:,} records are stored with id {begins_at} and above, and an id is stored once",
            "give an id above all of them, or begin with an empty database",
        )


_SAME = (
    "PanAccess is taken for the one of all stored records, as it is now. They stay, and nothing is read again up to the "
    "cursor, record id {at}; what is stored from then on is compared."
)
_BEGINS = (
    "The next sync goes on with record id {at}, and nothing is read below. Everything that is stored stays, and is compared no "
    "more."
)
_PLANS = {
    "operator_timezone": "The days and hours of all records and views become those of {wanted}; so far they are of {was}.",
    "panaccess_timezone": "The clock times of all records and views become those of {wanted}; so far they were read as "
    "those of {was}.",
    "upstream": "Records come from {wanted}, so far from {was}. Nothing that is stored changes, so it has to be the same "
    "PanAccess, with the same record ids.",
    "upstream_user": "Records are read as the user {wanted}, so far as {was}. Nothing that is stored changes.",
}

# Of an hour that a clock shows twice Python takes the first, PostgreSQL the second.
_MOMENT = """
    case when ({read} - interval '1 hour') at time zone :panaccess_is = {clock} then {read} - interval '1 hour' else {read} end
"""


def _moment(column: str) -> str:
    clock = f"({column} at time zone :panaccess_was)"
    return _MOMENT.format(clock=clock, read=f"({clock} at time zone :panaccess_is)")


_TIMES_ANEW = sa.text(f"update telemetry.records set timestamp = {_moment('timestamp')}, created = {_moment('created')}")
_DAYS_ANEW = sa.text("""
    update telemetry.records set local_date = (timestamp at time zone :operator_is)::date
    where local_date <> (timestamp at time zone :operator_is)::date
""")
# What is known of days stays true: of a day that both zones' clocks share only a part, it is known no more.
_KNOWLEDGE_ANEW = [
    sa.text("""
        update telemetry.sync_state
        set complete_before = (complete_before::timestamp at time zone :operator_was at time zone :operator_is)::date
    """),
    sa.text("delete from telemetry.complete_days"),
    sa.text("delete from telemetry.sync_repairs"),
    sa.text("update telemetry.sync_gaps set first_date = first_date - 1, last_date = last_date + 1 where resolved_at is null"),
]
