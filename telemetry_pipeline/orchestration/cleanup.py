"""The daily clean-up: what nobody asks for goes. What grows by size, logs, is bounded where it is written; results of tasks
expire in the broker by themselves.
"""

# Annotations are values here: Dagster reads the types of an op's arguments from them.
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import all_analyses, defaults
from telemetry_pipeline.days import today
from telemetry_pipeline.job_names import CLEANUP, TICK
from telemetry_pipeline.launches import JOBS
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import REPORTS, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.reports.archive.keeping import open_archive
from telemetry_pipeline.reports.publishing.clearing import clear
from telemetry_pipeline.results import tables
from telemetry_pipeline.results.tables import table_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.access import audit, sessions
from telemetry_pipeline.warehouse.db import partitions
from telemetry_pipeline.warehouse.db.connections import connect

# Dagster has no interface for either: what a run is the latest to have materialized, and old evaluations of checks.
_RUNS_TO_KEEP = sa.text("""
    select distinct run_id from (
        select distinct on (asset_key, partition) run_id from event_logs
        where dagster_event_type = 'ASSET_MATERIALIZATION' order by asset_key, partition, id desc
    ) as latest
""")
_DELETE_OLD_EVALUATIONS = sa.text("""
    delete from asset_check_executions
    where create_timestamp < :before
      and id not in (select max(id) from asset_check_executions group by asset_key, check_name)
""")


def build_cleanup(settings: StackSettings) -> dg.JobDefinition:
    """Return a job that deletes the results which nobody wanted for long, and old runs with their events."""

    @dg.op(tags=on_queue(REPORTS))
    @tried_again(settings)
    def delete_unwanted_results(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        """Delete results that nobody wanted for RESULT_RETENTION_DAYS, but those with default parameters."""
        of_analyses = {name: table_of(analysis) for name, analysis in all_analyses().items()}
        with warehouse.engine.begin() as connection:
            deleted = tables.delete_unwanted(connection, of_analyses, defaults(), settings.result_retention_days)
        context.add_output_metadata({"results_deleted": deleted, "retention_days": settings.result_retention_days})

    @dg.op(tags=on_queue(REPORTS))
    @tried_again(settings)
    def delete_old_access(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        """Delete what is older than AUDIT_RETENTION_DAYS of who came in and who changed what, and sessions that are over."""
        with warehouse.engine.begin() as connection:
            deleted = audit.delete_old(connection, settings.audit_retention_days)
            sessions.delete_expired(connection)
        context.add_output_metadata({"audit_rows_deleted": deleted, "retention_days": settings.audit_retention_days})

    @dg.op(tags=on_queue(REPORTS))
    @tried_again(settings)
    def delete_old_reports(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        """Delete reports and messages older than REPORT_RETENTION_DAYS, and files of reports that nobody has on record."""
        reports, messages, files = clear(warehouse.engine, open_archive(settings), settings.report_retention_days)
        context.add_output_metadata({"reports_deleted": reports, "messages_deleted": messages, "files_deleted": files})

    @dg.op(tags=on_queue(REPORTS))
    @tried_again(settings)
    def make_months(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        """Make the partitions of the months to come, and of those that lack one, three months ahead."""
        waiting = partitions.keep_months(warehouse.engine, settings.first_month)
        context.add_output_metadata({"months_that_wait": len(waiting)})
        this_day = today(settings.operator_zone)
        if any(this_day.replace(day=1) <= month <= this_day + timedelta(days=31) for month in waiting):
            raise dg.Failure(
                "the partition of a month that is about to begin cannot be made, for somebody holds the tables: end what has "
                "been reading telemetry.records or telemetry.views for long (see pg_stat_activity)"
            )

    @dg.op(tags=on_queue(REPORTS))
    @tried_again(settings)
    def delete_old_runs(context: dg.OpExecutionContext) -> None:
        """Delete runs older than RUN_RETENTION_DAYS, and ticks that succeeded older than TICK_RETENTION_DAYS, with their
        events, but those with a partition's latest materialization.
        """
        now = datetime.now(UTC)
        deleted, kept = delete_runs(
            context.instance,
            settings.complete().dagster_database_url.get_secret_value(),
            before=now - timedelta(days=settings.run_retention_days),
            ticks_before=now - timedelta(days=settings.tick_retention_days),
            guard=RunGuard(context),
        )
        context.add_output_metadata({"runs_deleted": deleted, "runs_kept": kept})

    @dg.job(name=CLEANUP, description=JOBS[CLEANUP].purpose)
    def cleanup() -> None:
        make_months()
        delete_unwanted_results()
        delete_old_access()
        delete_old_reports()
        delete_old_runs()

    return cleanup


def delete_runs(
    instance: dg.DagsterInstance, database_url: str, *, before: datetime, ticks_before: datetime, guard: RunGuard
) -> tuple[int, int]:
    """Delete old runs that have ended, events included; how many went, and how many that are as old stay because a partition
    owes them its status.

    :param ticks_before: of ticks that succeeded.
    """
    with connect(database_url).begin() as connection:
        keep = set(connection.scalars(_RUNS_TO_KEEP))
        connection.execute(_DELETE_OLD_EVALUATIONS, {"before": before.replace(tzinfo=None)})
    ended = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED]
    old = {
        run.run_id
        for choice in (
            dg.RunsFilter(statuses=ended, created_before=before),
            dg.RunsFilter(statuses=ended[:1], job_name=TICK, created_before=ticks_before),
        )
        for run in instance.get_runs(choice)
    }
    for run_id in old - keep:
        guard.check()
        instance.delete_run(run_id)
    return len(old - keep), len(old & keep)
