"""When jobs run by themselves. Every schedule can be seen and switched in the web UI."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from telemetry_pipeline.analyses.reports import KINDS, Kind
from telemetry_pipeline.days import today
from telemetry_pipeline.job_names import ANY_ASSETS_JOB, CLEANUP, MERGE, RANGE, TICK
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.orchestration.due_reports import look_at, tell
from telemetry_pipeline.reports.publishing.due import cron_of, last_due
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START
from telemetry_pipeline.warehouse.db.connections import shared

IN_FLIGHT = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
_SILENT_SECONDS = 300
"""A run that has said nothing for so long holds up no tick; whether it is at an end, Dagster's run monitoring finds out."""


@dataclass(frozen=True)
class InFlight:
    """A run that has not ended, and for how long it has said nothing."""

    run: dg.DagsterRun
    silent_seconds: float


def build_schedules(settings: StackSettings) -> list[dg.ScheduleDefinition]:
    """Return the tick, the nightly repair, the merge every few hours, the clean-up, and the reports."""

    def schedule(
        job: str, purpose: str, cron: str, description: str
    ) -> Callable[[Callable[[dg.ScheduleEvaluationContext], dg.RunRequest | dg.SkipReason]], dg.ScheduleDefinition]:
        return dg.schedule(
            name=f"telemetry_{purpose}_schedule",
            job_name=job,
            cron_schedule=cron,
            execution_timezone=settings.operator_timezone,
            default_status=switches.of_schedules(settings),
            description=description,
        )

    @schedule(
        TICK,
        "tick",
        settings.tick_cron,
        "Every tick takes in what is new, beside whatever else runs. A tick that finds another one in flight is skipped.",
    )
    def tick(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return plan_tick(today(settings.operator_zone).isoformat(), in_flight(context.instance, TICK))

    @schedule(RANGE, "repair", settings.repair_cron, "The last REPAIR_DAYS days are read again; what is missing is stored.")
    def repair(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        last = today(settings.operator_zone) - timedelta(days=1)
        return _range(last - timedelta(days=settings.repair_days - 1), last, settings.first_partition)

    @schedule(MERGE, "merge", settings.merge_cron, "The views of the last MERGE_DAYS days are merged anew.")
    def merge(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        last = today(settings.operator_zone)
        return _range(last - timedelta(days=settings.merge_days - 1), last, settings.first_partition)

    @schedule(
        CLEANUP,
        "cleanup",
        settings.cleanup_cron,
        "Results that nobody asked for in RESULT_RETENTION_DAYS go, and old runs and ticks with their events.",
    )
    def cleanup(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        return dg.RunRequest()

    return [tick, repair, merge, cleanup, *(_of_report(kind, settings) for kind in KINDS.values())]


def _of_report(kind: Kind, settings: StackSettings) -> dg.ScheduleDefinition:
    @dg.schedule(
        name=f"{kind.name}_schedule",
        job_name=ANY_ASSETS_JOB,
        cron_schedule=cron_of(kind, settings),
        execution_timezone=settings.operator_timezone,
        default_status=switches.of_schedules(settings),
        description=f"The report of the last {kind.grain.value} is made and sent to its subscribers, if its days are complete; "
        "else the reports_sensor sees to it.",
    )
    def report(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        now = datetime.now(UTC)
        engine = shared(settings.complete().database_url)
        due = [each for each in last_due(settings, settings.operator_zone, now) if each.kind == kind]
        answers = [look_at(context.instance, engine, each, settings, now, now) for each in due]
        tell(engine, answers)
        asked = [request for answer in answers for request in answer.requests]
        periods = ", ".join(str(each.period) for each in due) or "nothing new"
        return asked or dg.SkipReason(f"{kind.name} of {periods} is made, or waits for its days, or nobody subscribed to it.")

    return report


def in_flight(instance: dg.DagsterInstance, *jobs: str) -> list[InFlight]:
    """Return the runs of some jobs that have not ended."""
    found = []
    for job in jobs:
        for record in instance.get_run_records(dg.RunsFilter(job_name=job, statuses=IN_FLIGHT)):
            newest = instance.get_records_for_run(record.dagster_run.run_id, limit=1, ascending=False).records
            last = newest[0].event_log_entry.timestamp if newest else record.create_timestamp.timestamp()
            found.append(InFlight(record.dagster_run, time.time() - last))
    return found


def plan_tick(partition: str, others: Sequence[InFlight]) -> dg.RunRequest | dg.SkipReason:
    """Return a run for the partition, unless another tick is in flight that shows signs of life.

    :param others: ticks in flight.
    """
    for other in others:
        if other.silent_seconds < _SILENT_SECONDS:
            run = other.run
            return dg.SkipReason(f"Run {run.run_id} of {run.job_name} is {run.status.value}; the next tick takes over.")
    return dg.RunRequest(partition_key=partition, tags={PARTITION: partition})


def _range(first: date, last: date, first_partition: date) -> dg.RunRequest | dg.SkipReason:
    first = max(first, first_partition)
    if first > last:
        return dg.SkipReason(f"There is no day before today yet: FIRST_PARTITION is {first_partition}.")
    return dg.RunRequest(tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()})
