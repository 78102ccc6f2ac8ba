"""Runs that were lost with what executed them: they did nothing wrong, and are repeated until they end by themselves.

A run whose days are lost again and again while all services work may be what kills its process, and rests.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.days import today
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.job_names import MERGE, RANGE, REBUILD, TICK
from telemetry_pipeline.monitoring.components import TICKS, WORKER_PREFIX
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.orchestration.runtime import failures
from telemetry_pipeline.orchestration.schedules import in_flight
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import RANGE_END, RANGE_START, REPORT, covers, partition_range, partition_text
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.operations import dead_letters, problems
from telemetry_pipeline.warehouse.operations.problems import Incident

REST = timedelta(hours=1)
"""How long what failed is left alone."""

_LOSSES_BEFORE_REST = 3
# A loss is noticed after the outage that it comes from, and the outage by another process.
_AROUND = timedelta(minutes=2)
# Dagster repeats a lost run once, when the code server answers.
_PATIENCE = timedelta(minutes=10)
# What was not repeated with success within a day waits for a person, who was told of it.
_GIVEN_UP = timedelta(days=1)
_JOBS = (RANGE, MERGE, REBUILD)
# Outages that a run may cause are no excuse for it.
_OF_RUNS = (problems.COMPONENT + WORKER_PREFIX, problems.COMPONENT + TICKS)


@dataclass(frozen=True)
class Failed:
    """A failed run.

    :ivar lost: whether it failed with its process, its workers or the code server, and not for what a step did.
    :ivar at: when it ended.
    """

    run: dg.DagsterRun
    lost: bool
    at: datetime

    @property
    def what(self) -> tuple[str, str]:
        """Its assets and its days: the same of a run and of its repetition."""
        selection = sorted(key.to_user_string() for key in self.run.asset_selection or [])
        return f"{self.run.job_name} {' '.join(selection)}", partition_text(self.run.tags)


def failed_runs(instance: dg.DagsterInstance, chosen: dg.RunsFilter) -> list[Failed]:
    """Return those of some runs that failed, the newest first."""
    records = [
        record for record in instance.get_run_records(chosen) if record.dagster_run.status is dg.DagsterRunStatus.FAILURE
    ]
    return [
        Failed(record.dagster_run, failures.was_lost(instance, record.dagster_run), _ended_at(record)) for record in records
    ]


def at_rest(failed: Sequence[Failed], outages: Sequence[Incident]) -> list[Mapping[str, str]]:
    """Return the tags of those of some failed runs whose days are left alone: a step failed, or runs of these days were lost
    again and again while every service worked, which may be their doing.

    :param outages: of the services.
    """
    losses = Counter(_job_and_days(each) for each in failed if each.lost and not any(_is_near(each.at, one) for one in outages))
    return [each.run.tags for each in failed if not each.lost or losses[_job_and_days(each)] >= _LOSSES_BEFORE_REST]


def build_lost_runs_sensor(
    settings: StackSettings, jobs: Sequence[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]
) -> dg.SensorDefinition:
    """Repeats lost runs of these jobs and of chosen assets."""

    @dg.sensor(
        name="lost_runs_sensor",
        jobs=[job for job in jobs if job.name in _JOBS],
        minimum_interval_seconds=30,
        default_status=switches.of_sensors(settings),
        description="What was lost with its process, its workers or the code server, and not repeated with success since, is "
        "run again: the widest range first, one at a time, for a day. What is lost three times an hour while all services work "
        "rests for an hour.",
    )
    def lost_runs(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        engine, now = shared(settings.complete().database_url), datetime.now(UTC)
        try:
            left = {letter.run_id for letter in dead_letters.open_letters(engine)}
            outages = problems.outages(engine, since=now - REST) if left else []
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said which runs were lost: {err}")
        if not left:
            return dg.SkipReason("No run waits for being repeated.")
        if in_flight(context.instance, *_JOBS):
            return dg.SkipReason("The run that is in flight may do it.")
        failed = failed_runs(context.instance, dg.RunsFilter(run_ids=sorted(left)))
        return plan_repeat(failed, outages, today(settings.operator_zone), now)

    return lost_runs


def plan_repeat(
    failed: Sequence[Failed], outages: Sequence[Incident], this_day: date, now: datetime
) -> dg.RunRequest | dg.SkipReason:
    """Return the widest of some failed runs again, of those that were lost and do not rest.

    :param failed: what nobody has made up for, the newest first.
    :param this_day: ticks are about; the next one makes up for one of this day.
    """
    newest: dict[tuple[str, str], Failed] = {}
    for each in failed:
        newest.setdefault(each.what, each)
    resting = at_rest([each for each in failed if now - each.at < REST], outages)
    due = [
        each.run
        for each in newest.values()
        if each.lost
        and now - each.at < _GIVEN_UP
        and _can_be_repeated(each.run, this_day)
        and not (failures.dagster_repeats(each.run) and now - each.at < _PATIENCE)
        and not any(covers(tags, partition_text(each.run.tags)) for tags in resting)
    ]
    if not due:
        return dg.SkipReason("What failed waits for the next tick, for its hour, or for a person.")
    run = max(due, key=_size)
    first, last = partition_range(run.tags) or ("", "")
    return dg.RunRequest(
        job_name=run.job_name if run.job_name in _JOBS else RANGE,
        run_config=run.run_config,
        tags={RANGE_START: first, RANGE_END: last},
        asset_selection=sorted(run.asset_selection) if run.asset_selection else None,
    )


def _job_and_days(failed: Failed) -> tuple[str, str]:
    return failed.run.job_name, partition_text(failed.run.tags)


def _can_be_repeated(run: dg.DagsterRun, this_day: date) -> bool:
    days, assets = partition_range(run.tags), {key.to_user_string() for key in run.asset_selection or []}
    on_request = {name for name, analysis in all_analyses().items() if not analysis.runs_unattended}
    if REPORT not in run.tags:
        on_request |= {*KINDS}  # made once more, it would go out once more
    if days is None or assets & on_request:
        return False
    return bool(assets) or run.job_name in _JOBS or (run.job_name == TICK and days[1] < this_day.isoformat())


def _size(run: dg.DagsterRun) -> tuple[int, bool, bool]:
    """Measure a run in days, then by what it does with each: a repair includes a merge and analyses."""
    first, last = (date.fromisoformat(day) for day in partition_range(run.tags) or ())
    return (last - first).days, run.job_name in (RANGE, TICK), run.job_name == REBUILD


def _ended_at(record: dg.RunRecord) -> datetime:
    return record.update_timestamp if record.end_time is None else datetime.fromtimestamp(record.end_time, UTC)


def _is_near(at: datetime, outage: Incident) -> bool:
    over = outage.resolved_at
    return not outage.key.startswith(_OF_RUNS) and outage.opened_at - _AROUND <= at and (over is None or at <= over + _AROUND)
