"""When jobs run by themselves."""

from __future__ import annotations

from collections.abc import Sequence

import dagster as dg

from telemetry_pipeline.orchestration.cleanup import CLEANUP
from telemetry_pipeline.orchestration.jobs import RANGE, TICK
from telemetry_pipeline.orchestration.partitions import daily_partitions, today
from telemetry_pipeline.orchestration.tags import PARTITION
from telemetry_pipeline.settings import Settings

IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]


def build_tick_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The tick for today; one that finds another run of the graph at work is skipped, with a reason."""
    daily = daily_partitions(settings)

    @dg.schedule(
        name=f"{TICK}_schedule",
        job_name=TICK,
        cron_schedule=settings.tick_cron,
        execution_timezone=settings.operator_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Every tick takes in what is new. One at a time: a tick that finds a run in flight is skipped.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        in_flight = [
            run
            for job in (TICK, RANGE)
            for run in context.instance.get_runs(dg.RunsFilter(job_name=job, statuses=IN_FLIGHT), limit=1)
        ]
        return plan_tick(today(daily).isoformat(), in_flight)

    return tick


def build_cleanup_schedule(settings: Settings) -> dg.ScheduleDefinition:
    """The daily clean-up."""
    return dg.ScheduleDefinition(
        name=f"{CLEANUP}_schedule",
        job_name=CLEANUP,
        cron_schedule=settings.cleanup_cron,
        execution_timezone=settings.operator_timezone,
        default_status=dg.DefaultScheduleStatus.RUNNING,
        description="Results that nobody asked for in RESULT_RETENTION_DAYS are deleted, but the newest of each partition.",
    )


def plan_tick(partition: str, in_flight: Sequence[dg.DagsterRun]) -> dg.RunRequest | dg.SkipReason:
    """A run for the partition, unless a run of the graph is in flight."""
    if in_flight:
        run = in_flight[0]
        return dg.SkipReason(f"Run {run.run_id} of {run.job_name} is {run.status.value}; the next tick takes over.")
    return dg.RunRequest(partition_key=partition, tags={PARTITION: partition})
