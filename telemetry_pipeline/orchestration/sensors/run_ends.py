"""Runs and checks that fail are problems, and end those that they make up for."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.errors import AnotherUpstream, WarehouseError
from telemetry_pipeline.job_names import TICK
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.orchestration.runtime import failures
from telemetry_pipeline.orchestration.runtime.cluster.foreign_messages import FOREIGN_MESSAGES
from telemetry_pipeline.orchestration.runtime.cluster.step_task import LOST_CHILD
from telemetry_pipeline.orchestration.runtime.cluster.steps import has_ended
from telemetry_pipeline.orchestration.sensors.pace import note_pace
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import DAYS, covers, partition_text
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.operations import dead_letters, problems
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter
from telemetry_pipeline.warehouse.operations.problems import Problem

_STEPS_NAMED = 5


def build_run_failures_sensor(settings: StackSettings) -> dg.SensorDefinition:
    """Puts a run that failed on record, and what it left undone."""

    @dg.run_failure_sensor(
        name="run_failures_sensor",
        minimum_interval_seconds=15,
        default_status=switches.of_sensors(settings),
        description="A failed run that left something undone is a problem until one of the same job and days succeeds; its "
        "failed steps are dead letters.",
    )
    @_repeated_while_postgresql_is_away
    def run_failures(context: dg.RunFailureSensorContext) -> None:
        engine = shared(settings.complete().database_url)
        run = context.dagster_run
        of_run = failures.why_run_failed(context.instance, run, context.failure_event)
        events = {str(event.step_key): event for event in context.get_step_failure_events()}
        errors = _errors(failures.left(context.instance, run), events, of_run)
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
                    summary=f"{_named(run)} failed" + (f" at {_some(errors)}" if errors else ""),
                    detail="\n".join(dict.fromkeys(errors.values())) or of_run,
                    advice=" ".join(
                        [
                            *(f"{each}." for each in dict.fromkeys(chain(*map(failures.advice_on_step, events.values())))),
                            f"See the run's steps in the web UI or with 'telemetry-pipeline status {run.run_id[:8]}'. "
                            "Ticks try again by themselves; other runs with 'telemetry-pipeline dead-letters'.",
                        ]
                    ),
                    run_id=run.run_id,
                ),
            )
        days = partition_text(run.tags)
        dead_letters.add(engine, [DeadLetter(run.run_id, title(run), step, days, error) for step, error in errors.items()])
        _note_end(engine, context.instance, run)

    return run_failures


def _errors(left: Mapping[str, str], events: Mapping[str, dg.DagsterEvent], of_run: str) -> dict[str, str]:
    """Return why each thing was not done that a run left: an asset, or a step that makes none.

    :param left: the step of each. :param events: the failures of steps. :param of_run: why the run failed where no step did.
    """
    errors = {name: of_run for name, step in left.items() if step not in events}
    for step, event in events.items():
        why = failures.why_step_failed(event)
        whole = [name for name, its_step in left.items() if its_step == step] or [step]
        errors |= failures.failed_parts(event) or dict.fromkeys(whole, why)
    return errors


def build_run_successes_sensor(settings: StackSettings) -> dg.SensorDefinition:
    """Takes off the record what a run makes up for."""

    @dg.run_status_sensor(
        run_status=dg.DagsterRunStatus.SUCCESS,
        name="run_successes_sensor",
        minimum_interval_seconds=15,
        default_status=switches.of_sensors(settings),
        description="A run that succeeds ends the problem that an earlier one of the same job and days was, or one that left "
        "nothing undone but what this one did. Ticks that take longer than from one to the next are one.",
    )
    @_repeated_while_postgresql_is_away
    def run_successes(context: dg.RunStatusSensorContext) -> None:
        engine = shared(settings.complete().database_url)
        _note_what_was_done(engine, context.instance, context.dagster_run)
        if context.dagster_run.job_name == TICK:
            note_pace(engine, context.instance, settings)

    return run_successes


def _note_what_was_done(engine: sa.Engine, instance: dg.DagsterInstance, run: dg.DagsterRun) -> None:
    """End the problems and settle the dead letters that a run makes up for, which left nothing undone."""
    for problem in problems.open_problems(engine):
        if makes_up_for(run, problem.key):
            problems.resolve(engine, problem.key)
    if letters := dead_letters.open_letters(engine):
        done = failures.done(instance, run)
        repeated = [letter for letter in letters if letter.step in done and covers(run.tags, letter.partition)]
        dead_letters.settle(engine, [letter.id for letter in repeated], run.run_id)
        left = {letter.run_id for letter in letters if letter not in repeated}
        dead_letters.end_problems(engine, {letter.run_id for letter in repeated} - left)
    _note_end(engine, instance, run)


def _repeated_while_postgresql_is_away(sense: Callable[[Any], None]) -> Callable[[Any], None]:
    """Have the daemon show the same run again, as after an error of Dagster's own; after any other it goes on to the next."""

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
        key = f"{problems.CHECK}{asset}:{evaluation.check_name}" + ("" if run.job_name == TICK else f":{title(run)}")
        if not evaluation.passed:
            found = ", ".join(f"{name} {value.value}" for name, value in evaluation.metadata.items())
            problems.report(engine, Problem.of(key, found, run_id=run.run_id))
        elif key in opened:
            problems.resolve(engine, key)


def title(run: dg.DagsterRun) -> str:
    """Return what ran, for people: the job; of a run of some assets, these."""
    if run.job_name.startswith("__") and run.asset_selection:
        return ", ".join(sorted(key.to_user_string() for key in run.asset_selection))
    return run.job_name


def _named(run: dg.DagsterRun) -> str:
    """Return what ran, and of a range its days."""
    return f"{title(run)} of {run.tags[DAYS]}" if DAYS in run.tags else title(run)


def problem_key(run: dg.DagsterRun) -> str:
    """Return names the problem that a run's failure is. A tick of the next day makes up for one of this day."""
    return _key_of(run) if run.job_name == TICK else f"{_key_of(run)}:{partition_text(run.tags)}"


def makes_up_for(run: dg.DagsterRun, key: str) -> bool:
    """Return whether the success of a run ends the problem of that key: it was a run of the same, and of no days but these."""
    if run.job_name == TICK:
        return key == problem_key(run)
    what, _, days = key.rpartition(":")
    return what == _key_of(run) and covers(run.tags, days)


def _key_of(run: dg.DagsterRun) -> str:
    return f"{problems.RUN}{title(run)}"


def _is_told(context: dg.RunFailureSensorContext) -> bool:
    """Return whether the sync has put on record why the run failed: it is another upstream."""
    events = context.get_step_failure_events()
    return bool(events) and all(AnotherUpstream.__name__ in failures.kinds_of(event) for event in events)


def _some(steps: Collection[str]) -> str:
    """Name as many steps as a message has room for, and say how many more there are."""
    names = list(steps)
    more = len(names) - _STEPS_NAMED
    return ", ".join(names) if more <= 1 else f"{', '.join(names[:_STEPS_NAMED])} and {more} others"
