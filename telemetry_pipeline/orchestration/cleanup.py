"""The daily clean-up: what nobody asks for goes. What grows by size, logs, is bounded where it is written; results of tasks
expire in the broker by themselves.
"""

# Annotations are values here: Dagster reads the types of an op's arguments from them.
from datetime import UTC, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.orchestration.executor import REPORTS, on_queue
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.steps import RunGuard, failing_clearly
from telemetry_pipeline.settings import Settings
from telemetry_pipeline.warehouse import results
from telemetry_pipeline.warehouse.database import connect

CLEANUP = "telemetry_cleanup"

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


def build_cleanup(settings: Settings) -> dg.JobDefinition:
    """A job that deletes the results which nobody wanted for long, and old runs with their events."""

    @dg.op(tags=on_queue(REPORTS))
    def delete_unwanted_results(context: dg.OpExecutionContext, warehouse: dg.ResourceParam[Warehouse]) -> None:
        """Delete results that nobody wanted for RESULT_RETENTION_DAYS, but the newest of each partition."""
        tables = {name: analysis.table for name, analysis in all_analyses().items()}
        with warehouse.engine.begin() as connection:
            deleted = results.delete_unwanted(connection, tables, settings.result_retention_days)
        context.add_output_metadata({"results_deleted": deleted, "retention_days": settings.result_retention_days})

    @dg.op(tags=on_queue(REPORTS))
    def delete_old_runs(context: dg.OpExecutionContext) -> None:
        """Delete runs older than RUN_RETENTION_DAYS with their events, but those with a partition's latest materialization."""
        before = datetime.now(UTC) - timedelta(days=settings.run_retention_days)
        guard = RunGuard(context)
        with failing_clearly():
            deleted, kept = delete_runs(context.instance, settings.dagster_database_url.get_secret_value(), before, guard)
        context.add_output_metadata({"runs_deleted": deleted, "runs_kept": kept, "retention_days": settings.run_retention_days})

    @dg.job(name=CLEANUP, description="Delete results that nobody asked for in a long time, and old runs.")
    def cleanup() -> None:
        delete_unwanted_results()
        delete_old_runs()

    return cleanup


def delete_runs(instance: dg.DagsterInstance, database_url: str, before: datetime, guard: RunGuard) -> tuple[int, int]:
    """Delete what ended before a moment, events included; how many runs went, and how many of that time stay because a
    partition owes them its status.
    """
    engine = connect(database_url)
    with engine.begin() as connection:
        keep = set(connection.scalars(_RUNS_TO_KEEP))
        connection.execute(_DELETE_OLD_EVALUATIONS, {"before": before.replace(tzinfo=None)})
    old = [
        record.dagster_run.run_id
        for record in instance.get_run_records(dg.RunsFilter(created_before=before))
        if record.dagster_run.is_finished
    ]
    for run_id in old:
        if run_id not in keep:
            guard.check()
            instance.delete_run(run_id)
    return len(set(old) - keep), len(set(old) & keep)
