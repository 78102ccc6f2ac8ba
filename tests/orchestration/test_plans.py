"""Whatever a tick or a night asks PostgreSQL reads what is new and not what is there.

Told by the plans of all that they send, over tables large enough for PostgreSQL to choose: a table of a few rows is always
read whole. Of what grows by a row a day, ``view_days`` and its like, all rows are read.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from orchestration_harness import record
from plans import Planned, plans_of

from telemetry_pipeline.analyses.registry import defaults
from telemetry_pipeline.orchestration.cleanup import build_cleanup
from telemetry_pipeline.orchestration.due_reports import look_at
from telemetry_pipeline.orchestration.sensors.late_data import stale_results
from telemetry_pipeline.reports.publishing.due import last_due
from telemetry_pipeline.results.catalogue import parameters_key
from telemetry_pipeline.results.views.windows import rules_of
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.partitions import keep_months
from telemetry_pipeline.warehouse.operations import checks, dead_letters, problems, status
from telemetry_pipeline.warehouse.operations.problems import Problem
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.raw import records

_RECORDS = 120_000
NEWEST = 10 * _RECORDS
_MONTHS = 6
_MOMENT = f"now() - interval '3 hours' - ({_RECORDS} - number) * interval '{30 * _MONTHS} days' / {_RECORDS}"
_FILL = [
    f"""
    insert into telemetry.records
        (record_id, action_id, data_id, data_name, duration_seconds, subscriber_code, device_id, timestamp,
         local_date, received_at)
    select 10 * number, 7 + number % 2, number / 2 % 50, case when number % 2 = 0 then 'Channel ' || number / 2 % 50 end, 600,
           'S' || number % 5000, number % 5000, moment, (moment at time zone :zone)::date, moment + interval '1 minute'
    from (select number, {_MOMENT} as moment from generate_series(1, {_RECORDS}) as number) as made
    """,
    """
    insert into telemetry.views
        (record_id, local_date, local_hour, ended_at, started_at, duration_seconds, channel_id, channel_name, subscriber_code,
         device_id, excluded)
    select record_id, local_date, 12, timestamp, timestamp - interval '10 minutes', 600, data_id, 'Channel ' || data_id,
           subscriber_code, device_id,
           case when record_id % 10010 = 0 then 'future' when record_id % 510 = 0 then 'duplicate' end
    from telemetry.records where action_id = 8
    """,
    """
    insert into telemetry.channel_names
    select data_id, 'Channel ' || data_id, min(record_id), max(record_id) from telemetry.records where action_id = 7
    group by data_id
    """,
    "insert into telemetry.view_days select distinct local_date, 1 from telemetry.views",
    "insert into telemetry.view_segments select local_date, version, 0, '' from telemetry.view_days",
    f"""
    update telemetry.sync_state set cursor = {NEWEST}, compared_after = {NEWEST}, read_after = {NEWEST}, synced_at = now(),
        received_at = now(), newest_receipt = now()
    """,
    "delete from telemetry.unchecked_ids",
    """
    insert into telemetry.receipts select now() - number * interval '1 hour', 50, 1 from generate_series(1, 5000) as number
    """,
    """
    insert into telemetry.rejected_records (record_id, payload, reason, rejected_at)
    select number, number::text, 'unreadable', now() - number * interval '1 hour' from generate_series(1, 5000) as number
    """,
    """
    insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, resolved_at)
    select number, number, 'x', now() from generate_series(1, 5000) as number
    """,
    """
    insert into telemetry.problems (key, summary, opened_at, last_at, told_at, resolved_at, resolution_told_at)
    select 'check:' || number % 20, 'x', moment, moment, moment, moment, moment
    from (select number, now() - number * interval '10 minutes' as moment from generate_series(500, 5000) as number) as made
    """,
    """
    insert into telemetry.dead_letters (run_id, job, step, error, settled_at)
    select number::text, 'x', 'y', 'z', now() from generate_series(1, 5000) as number
    """,
    """
    insert into telemetry.audit (at, who, by, what) select now() - number * interval '1 minute', 'x', 'command', 'y'
    from generate_series(1, 5000) as number
    """,
    """
    insert into telemetry.web_sessions (session_hash, owner_hash, expires_at)
    select sha256(number::text::bytea), 'x', now() + number * interval '1 minute' from generate_series(1, 5000) as number
    """,
    """
    insert into telemetry.made_reports (report, period_first, period_last, made_at, is_scheduled, is_complete, files)
    select 'daily', day, day, day, true, true, '[]' from (
        select (now() - number * interval '1 minute') as day from generate_series(1, 5000) as number
    ) as made
    """,
    """
    insert into telemetry.outbox (topic, about, transport, recipient, subject, body, state, settled_at)
    select 'report', number::text, 'mail', 'a@b', 'x', 'y', 'sent', now() - number * interval '1 minute'
    from generate_series(1, 5000) as number
    """,
]
_RESULTS = """
    insert into analysis.results (asset, partition_date, period_first, period_last, parameters, parameters_key, row_count,
                                  computed_at, wanted_at)
    select asset, day, day, day, '{}', key, 0, now(), now() - interval '100 days'
    from unnest(cast(:assets as text[]), cast(:keys as text[])) as each (asset, key),
         generate_series(date '2020-01-01', date '2020-01-01' + 1500, interval '1 day') as day
    on conflict do nothing
"""
_DOCUMENTS = """
    insert into analysis.documents (document, period_first, period_last, body)
    select 'general', day, day, '{}' from generate_series(date '1980-01-01', date '1980-01-01' + 5000, interval '1 day') as day
    on conflict do nothing
"""
# A row for each day, channel, session or run in flight, or one row at all; of reports that are kept, all are compared with the
# files that there are.
_SMALL = {
    "web_sessions",
    "made_reports",
    "view_days",
    "view_segments",
    "complete_days",
    "channel_names",
    "sync_state",
    "pending_merges",
    "unchecked_ids",
    "sync_repairs",
    "step_attempts",
    "subscriptions",
    "alert_channels",
    "names",
    "old_names",
    "affected",
    "points",
    "spans",
    "entangled",
}


def fill(engine: sa.Engine, zone: str, today: date) -> None:
    keep_months(engine, today - timedelta(days=31 * _MONTHS))
    with engine.begin() as connection:
        connection.execute(sa.text("set local synchronous_commit = off"))
        for statement in _FILL:
            connection.execute(sa.text(statement), {"zone": zone} if ":zone" in statement else {})


def fill_results(engine: sa.Engine) -> None:
    of = {name: parameters_key(parameters) for name, parameters in defaults().items()}
    with engine.begin() as connection:
        connection.execute(sa.text(_RESULTS), {"assets": list(of), "keys": list(of.values())})
        connection.execute(sa.text(_DOCUMENTS))
        connection.execute(
            sa.text("""
                insert into analysis.general_summary (period_last, period_first, parameters_key, ordinal)
                select day, day, 'x', 0
                from generate_series(date '1960-01-01', date '1960-01-01' + 5000, interval '1 day') as day
            """)
        )
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze"))


def few(engine: sa.Engine, today: date) -> set[str]:
    """What may be read whole: the partitions of the newest days, those that are empty, and what has few rows."""
    newest = {f"{table}_{day:%Y_%m}" for table in ("records", "views") for day in (today, today - timedelta(days=3))}
    with engine.connect() as connection:
        empty = connection.scalars(sa.text("select relname from pg_class where relispartition and reltuples <= 0"))
        return _SMALL | newest | set(empty)


def whole(plans: list[Planned], few: set[str]) -> str:
    """Return what is read whole and grows, each with the statement."""
    found = {
        f"{table}: {' '.join(plan.statement.split())[:300]}"
        for plan in plans
        for table in plan.read_whole
        if table not in few and not table.startswith("pg_")
    }
    return "\n".join(sorted(found))


@pytest.mark.slow
def test_neither_a_tick_nor_a_night_reads_what_grows(pipeline: Any, now: datetime, this_day: date) -> None:
    settings, engine = pipeline.settings, connect(pipeline.settings.database_url)
    fill(engine, settings.operator_timezone, this_day)
    add = pipeline.simulator.add_records
    add([record(NEWEST + number, 7 + number % 2, now) for number in range(1, 20)])
    assert pipeline.run(this_day).success
    fill_results(engine)
    add([record(NEWEST + number, 7 + number % 2, now) for number in range(20, 60)])
    small = few(engine, this_day)
    with plans_of(engine) as tick:
        result = pipeline.run(this_day)
    assert result.success
    assert len(tick) > 50
    with plans_of(engine) as every_day:
        stale_results(engine, settings.first_partition, this_day, rules_of(settings))
    with plans_of(engine) as look:
        watch(pipeline, engine, this_day, now)
    with plans_of(engine) as night:
        past = pipeline.run(
            this_day - timedelta(days=3),
            this_day - timedelta(days=1),
            selection=["telemetry_records", "ott_views", "general_summary"],
        )
        cleaned = build_cleanup(settings).execute_in_process(
            instance=pipeline.instance,
            resources={"warehouse": pipeline._defs.resources["warehouse"]},
            op_selection=["make_months", "delete_unwanted_results", "delete_old_access", "delete_old_reports"],
        )
    assert past.success
    assert cleaned.success
    assert len(night) > 50
    assert not (found := whole(tick + look + night, small)), found
    # Whether anything of any day is stale: a line for each day and analysis.
    assert not (found := whole(every_day, small | {"results"})), found


def watch(pipeline: Any, engine: sa.Engine, this_day: date, now: datetime) -> None:
    """What sensors and the watch look at."""
    settings = pipeline.settings
    for due in last_due(settings, settings.operator_zone, now):
        look_at(pipeline.instance, engine, due, settings, now, now)
    checks.read_freshness(engine)
    problems.report(engine, Problem.of("freshness", "x"))
    problems.open_problems(engine)
    problems.outages(engine, now - timedelta(hours=1))
    problems.untold(engine, now)
    problems.told_at(engine, now - timedelta(days=1))
    problems.resolve(engine, "freshness")
    dead_letters.open_letters(engine)
    records.keep_answer(engine, "x", "unreadable")
    outbox.take(engine, ("mail", "alert"), timedelta(minutes=1), 10)
    with engine.connect() as connection:
        status.last_sync(connection)
