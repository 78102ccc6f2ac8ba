"""What is noticed by itself: late data, runs and checks that fail or recover, and an upstream that went silent.

A sensor reads, decides and acts; its decision is a pure function. What it finds wrong it puts on record as a problem; people
are told by the process ``telemetry-pipeline watch``, which also notices when Dagster itself is dead.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from dagster._core.events import JobFailureData
from dagster._core.execution.stats import StepEventStatus
from dagster_shared.error import SerializableErrorInfo

from telemetry_pipeline.ages import is_recent
from telemetry_pipeline.analyses.registry import is_of_period
from telemetry_pipeline.analyses.staleness import Stale, stale_days
from telemetry_pipeline.analyses.views import Rules
from telemetry_pipeline.errors import AnotherUpstream, WarehouseError
from telemetry_pipeline.logs import without_data
from telemetry_pipeline.orchestration.foreign_messages import FOREIGN_MESSAGES
from telemetry_pipeline.orchestration.lost_runs import REST, at_rest, build_lost_runs_sensor, failed_runs
from telemetry_pipeline.orchestration.names import RANGE, REBUILD, TICK
from telemetry_pipeline.orchestration.partitions import daily_partitions, today
from telemetry_pipeline.orchestration.schedules import in_flight
from telemetry_pipeline.orchestration.step_task import LOST_CHILD
from telemetry_pipeline.orchestration.steps import has_ended
from telemetry_pipeline.reports.documents import DOCUMENTS, documents_of, stale_documents
from telemetry_pipeline.settings import PipelineSettings
from telemetry_pipeline.tags import RANGE_END, RANGE_START, covers, partition_text
from telemetry_pipeline.warehouse import dead_letters, problems
from telemetry_pipeline.warehouse.checks import Freshness, read_freshness
from telemetry_pipeline.warehouse.database import connect
from telemetry_pipeline.warehouse.dead_letters import DeadLetter
from telemetry_pipeline.warehouse.problems import Problem

_RUNNING = dg.DefaultSensorStatus.RUNNING
_DAYS_A_REBUILD = 31
_STEPS_NAMED = 5

Days = tuple[date, date]


def build_sensors(
    settings: PipelineSettings, jobs: Sequence[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]
) -> list[dg.SensorDefinition]:
    """Every sensor.

    :param jobs: those there are.
    """
    return [
        _late_data(settings),
        build_lost_runs_sensor(settings, jobs),
        _run_failures(settings),
        _run_successes(settings),
        _freshness(settings),
    ]


def _late_data(settings: PipelineSettings) -> dg.SensorDefinition:
    daily = daily_partitions(settings)

    @dg.sensor(
        name="late_data_sensor",
        job_name=REBUILD,
        minimum_interval_seconds=60,
        default_status=_RUNNING,
        description="What is stored of past days and is of other views than those there are is computed anew, that alone, "
        "contiguous days in one run; no result more often than once an hour.",
    )
    def late_data(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = datetime.now(UTC)
        yesterday = today(daily) - timedelta(days=1)
        engine = connect(settings.database_url)
        try:
            stale = stale_results(engine, settings.first_partition, yesterday, Rules.of(settings))
            outages = problems.outages(engine, since=now - REST)
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said which days changed: {err}")
        failed = dg.RunsFilter(job_name=REBUILD, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - REST)
        resting = at_rest(failed_runs(context.instance, failed), outages)
        return plan_rebuild(stale, in_flight(context.instance, RANGE, REBUILD), resting, now)

    return late_data


def stale_results(engine: sa.Engine, first: date, last: date, rules: Rules) -> dict[date, Stale]:
    """Which analyses and documents of the days from *first* to *last* are stale, in order of the days; of the documents, those
    that will not be made anew with a stale analysis.
    """
    analyses, documents = stale_days(engine, first, last, rules), stale_documents(engine, first, last)
    alone = {
        day: {name: made_at for name, made_at in names.items() if name not in documents_of(analyses.get(day, {}))}
        for day, names in documents.items()
    }
    every = {day: {**analyses.get(day, {}), **alone.get(day, {})} for day in sorted({*analyses, *alone})}
    return {day: names for day, names in every.items() if names}


def plan_rebuild(
    stale: Mapping[date, Stale], others: Sequence[object], resting: Sequence[Mapping[str, str]], now: datetime
) -> dg.RunRequest | dg.SkipReason:
    """A run of what is stale of the newest contiguous days; one at a time.

    Analyses of a period are of the range that a run is for, so those of single days are computed when nothing else is stale, a
    day a run.

    :param stale: in order of days, the analyses and documents, and when each was last made, if it was.
    :param others: runs in flight that analyse past days.
    :param resting: the tags of runs whose days are left alone, as ``lost_runs.at_rest`` tells.
    """
    due = {
        day: names
        for day, analyses in stale.items()
        if (names := _due(analyses, now)) and not any(covers(tags, day.isoformat()) for tags in resting)
    }
    if not stale:
        return dg.SkipReason("The analyses of every past day are of its views as they are.")
    if others:
        return dg.SkipReason(f"{len(stale)} days wait for the run that is in flight.")
    if not due:
        return dg.SkipReason(f"{len(stale)} days changed again within an hour of their last analysis, or that failed.")
    looking_back = [day for day, names in due.items() if any(not _is_of_period(name) for name in names)]
    first, last = contiguous(looking_back)[-1] if looking_back else (max(due), max(due))
    first = max(first, last - timedelta(days=_DAYS_A_REBUILD - 1))
    names = set().union(*(names for day, names in due.items() if first <= day <= last))
    if first < last:
        names = {name for name in names if not _is_of_period(name)}
    return dg.RunRequest(
        tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
        asset_selection=[dg.AssetKey(name) for name in sorted(names | documents_of(names))],
    )


def _is_of_period(name: str) -> bool:
    return DOCUMENTS[name][1] == "period" if name in DOCUMENTS else is_of_period(name)


def _due(analyses: Stale, now: datetime) -> set[str]:
    """Those whose last result is an hour old, or that have none: late records trickle in, and a rebuild leaves its events."""
    return {name for name, made_at in analyses.items() if made_at is None or now - made_at >= REST}


def contiguous(days: Sequence[date]) -> list[Days]:
    """Days, in order, as ranges from a first to a last one."""
    ranges: list[Days] = []
    for day in days:
        if ranges and day - ranges[-1][1] == timedelta(days=1):
            ranges[-1] = (ranges[-1][0], day)
        else:
            ranges.append((day, day))
    return ranges


def _run_failures(settings: PipelineSettings) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="run_failures_sensor",
        minimum_interval_seconds=15,
        default_status=_RUNNING,
        description="A failed run that left something undone is a problem until one of the same job and days succeeds; its "
        "failed steps are dead letters.",
    )
    @_repeated_while_postgresql_is_away
    def run_failures(context: dg.RunFailureSensorContext) -> None:
        engine = connect(settings.database_url)
        run = context.dagster_run
        of_run = _of_run(context.instance, run, context.failure_event)
        errors = dict.fromkeys(steps_left(context.instance, run), of_run)
        errors |= {str(event.step_key): _reason(event) for event in context.get_step_failure_events()}
        if not errors and run.execution_plan_snapshot_id:
            # Its process was lost after the last step.
            _note_what_was_done(engine, context.instance, run)
            return
        # A run fails again when its process, taken for lost, comes to its end.
        is_news = not dead_letters.are_of(engine, run.run_id)
        if is_news and not _is_told(context):
            problems.report(
                engine,
                Problem(
                    key=problem_key(run),
                    summary=f"{title(run)} failed" + (f" at {_some(errors)}" if errors else ""),
                    detail="\n".join(dict.fromkeys(errors.values())) or of_run,
                    advice="See the run's steps in the web UI or with 'telemetry-pipeline status "
                    f"{run.run_id[:8]}'. Ticks try again by themselves; other runs with 'telemetry-pipeline dead-letters'.",
                    run_id=run.run_id,
                ),
            )
        days = partition_text(run.tags)
        dead_letters.add(engine, [DeadLetter(run.run_id, title(run), step, days, error) for step, error in errors.items()])
        _note_end(engine, context.instance, run)

    return run_failures


def _run_successes(settings: PipelineSettings) -> dg.SensorDefinition:
    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="run_successes_sensor",
        minimum_interval_seconds=15,
        default_status=_RUNNING,
        description="A run that succeeds ends the problem that an earlier one of the same job and days was, or one that left "
        "nothing undone but what this one did.",
    )
    @_repeated_while_postgresql_is_away
    def run_successes(context: dg.RunStatusSensorContext) -> None:
        _note_what_was_done(connect(settings.database_url), context.instance, context.dagster_run)

    return run_successes


def _note_what_was_done(engine: sa.Engine, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """End the problems and settle the dead letters that a run makes up for, which left nothing undone."""
    for problem in problems.open_problems(engine):
        if makes_up_for(run, problem.key):
            problems.resolve(engine, problem.key)
    if letters := dead_letters.open_letters(engine):
        stats = instance.get_run_step_stats(run.run_id)
        steps = {each.step_key for each in stats if each.status is StepEventStatus.SUCCESS}
        repeated = [letter for letter in letters if letter.step in steps and covers(run.tags, letter.partition)]
        dead_letters.settle(engine, [letter.id for letter in repeated], run.run_id)
        left = {letter.run_id for letter in letters if letter not in repeated}
        dead_letters.end_problems(engine, {letter.run_id for letter in repeated} - left)
    _note_end(engine, instance, run)


def _repeated_while_postgresql_is_away(sense: Callable[[Any], None]) -> Callable[[Any], None]:
    """An error of Dagster's own has the daemon show the same run again; after any other one it goes on to the next."""

    @functools.wraps(sense)
    def repeated(context: Any) -> None:
        try:
            sense(context)
        except WarehouseError as err:
            raise dg.DagsterInvariantViolationError(f"The end of a run cannot be noted: {err}") from err

    return repeated


def _note_end(engine: sa.Engine, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """Put failed checks of a run on record; take off those that passed, and the child processes that ended runs lost."""
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION).records
    opened = {problem.key: problem for problem in problems.open_problems(engine)}
    for problem in opened.values():
        if problem.key.startswith(LOST_CHILD) and has_ended(instance.get_run_by_id(problem.run_id or "")):
            problems.resolve(engine, problem.key)
        if problem.key == FOREIGN_MESSAGES and problem.last_at < datetime.now(UTC) - timedelta(hours=1):
            problems.resolve(engine, problem.key)
    for record in records:
        event = record.event_log_entry.dagster_event
        if event is None:
            continue
        evaluation = event.asset_check_evaluation_data
        asset = evaluation.asset_key.to_user_string()
        # A tick looks at what is new, another run at days of the past: neither can tell that the other's find is mended.
        key = f"check:{asset}:{evaluation.check_name}" + ("" if run.job_name == TICK else f":{title(run)}")
        if not evaluation.passed:
            found = ", ".join(f"{name} {value.value}" for name, value in evaluation.metadata.items())
            problems.report(
                engine,
                Problem(
                    key=key,
                    summary=f"the check {evaluation.check_name} of {asset} does not pass",
                    detail=found,
                    advice="What it checks is said with the asset in the web UI, under Checks.",
                    run_id=run.run_id,
                ),
            )
        elif key in opened:
            problems.resolve(engine, key)


def _freshness(settings: PipelineSettings) -> dg.SensorDefinition:
    @dg.sensor(
        name="freshness_sensor",
        minimum_interval_seconds=60,
        default_status=_RUNNING,
        description="No new record for FRESHNESS_MINUTES although ticks succeed: the upstream, or what feeds it, is silent.",
    )
    def freshness(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        engine = connect(settings.database_url)
        try:
            silent = silent_for(
                read_freshness(engine), datetime.now(UTC), ticks_within=timedelta(minutes=settings.heartbeat_minutes)
            )
            if silent is None:
                return dg.SkipReason("No tick succeeds, which the watch tells, or there was never a record.")
            opened = problems.open_problems(engine)
            if any(each.key.startswith(problems.UPSTREAM) for each in opened):
                return dg.SkipReason("Not all that PanAccess has is stored, which a problem of its own tells.")
            if silent <= timedelta(minutes=settings.freshness_minutes):
                problems.resolve(engine, "freshness")
                return dg.SkipReason("New records come in.")
            minutes = int(silent.total_seconds() // 60)
            summary = f"no new record has come from PanAccess for {settings.freshness_minutes} minutes, although ticks succeed"
            advice = "See in PanAccess whether it still receives telemetry; compare 'telemetry-pipeline status'."
            problems.report(engine, Problem("freshness", summary, f"for {minutes} minutes now", advice))
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said how fresh the records are: {err}")
        return dg.SkipReason(f"No new record for {minutes} minutes.")

    return freshness


def silent_for(freshness: Freshness, now: datetime, *, ticks_within: timedelta) -> timedelta | None:
    """For how long no new record has come; None when no sync succeeds, or nothing ever came."""
    if freshness.received_at is None or not is_recent(freshness.synced_at, now, ticks_within):
        return None
    return now - freshness.received_at


def title(run: dg.DagsterRun) -> str:
    """What ran, for people: the job; of a run of some assets, these."""
    if run.job_name.startswith("__") and run.asset_selection:
        return ", ".join(sorted(key.to_user_string() for key in run.asset_selection))
    return run.job_name


def problem_key(run: dg.DagsterRun) -> str:
    """Names the problem that a run's failure is. A tick of the next day makes up for one of this day."""
    return _key_of(run) if run.job_name == TICK else f"{_key_of(run)}:{partition_text(run.tags)}"


def makes_up_for(run: dg.DagsterRun, key: str) -> bool:
    """Does the success of a run end the problem of that key: was it a run of the same, and of no days but these?"""
    if run.job_name == TICK:
        return key == problem_key(run)
    what, _, days = key.rpartition(":")
    return what == _key_of(run) and covers(run.tags, days)


def _key_of(run: dg.DagsterRun) -> str:
    return f"{problems.RUN}{title(run)}"


def _is_told(context: dg.RunFailureSensorContext) -> bool:
    """Whether the sync has put on record why the run failed: it is another upstream."""
    errors = [event.step_failure_data.error for event in context.get_step_failure_events()]
    return bool(errors) and all(AnotherUpstream.__name__ in _kinds(error) for error in errors)


def _kinds(error: SerializableErrorInfo | None) -> set[str | None]:
    return {error.cls_name} | _kinds(error.cause) if error else set()


def _reason(event: dg.DagsterEvent) -> str:
    """Why a step failed: what our own errors say, else the deepest cause."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return without_data(str(failure.user_failure_data.description))
    return without_data(_deepest(failure.error) or str(event.message))


def _of_run(instance: dg.DagsterInstance, run: dg.DagsterRun, event: dg.DagsterEvent) -> str:
    """Why a run failed, where no step did."""
    failure = event.event_specific_data
    if isinstance(failure, JobFailureData):
        return without_data(_deepest(failure.error) or str(event.message))
    # Dagster says why it could not launch a run in an event before, and nothing in the one of the failure.
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, ascending=False).records
    errors = [record.event_log_entry.get_dagster_event().engine_event_data.error for record in records]
    began = any(each.status is not None for each in instance.get_run_step_stats(run.run_id))
    return without_data((_deepest(errors[0]) if errors and not began else "") or str(event.message))


def steps_left(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """The steps of a run that has ended which were at work or next: they neither ended well nor wait for one that did not."""
    if run.execution_plan_snapshot_id is None:
        return []
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    stats = instance.get_run_step_stats(run.run_id)
    done = {each.step_key for each in stats if each.status in (StepEventStatus.SUCCESS, StepEventStatus.SKIPPED)}
    left = [step for step in plan.steps if step.key in plan.step_keys_to_execute and step.key not in done]
    keys = {step.key for step in left}
    return [step.key for step in left if keys.isdisjoint(key for each in step.inputs for key in each.upstream_step_keys)]


def _some(steps: Collection[str]) -> str:
    """So many names of steps that a message can have."""
    names = list(steps)
    more = len(names) - _STEPS_NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_STEPS_NAMED])} and {more} others"


def _deepest(error: SerializableErrorInfo | None) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    return "" if error is None else error.message.partition("\n\nStack Trace:")[0].strip()
