"""What Dagster's records say of runs and steps that failed: why, what was left, and whether they were lost with what
executed them.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.stats import StepEventStatus
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG
from dagster_shared.error import SerializableErrorInfo

from telemetry_pipeline.errors import ADVICE, StepInterrupted, StepLost, WarehouseUnavailable
from telemetry_pipeline.logs.lines import without_data

_LOSSES = {
    StepLost.__name__,
    StepInterrupted.__name__,
    WarehouseUnavailable.__name__,
    "WorkerLostError",
    "Terminated",
    "DagsterExecutionInterruptedError",
}
"""The errors of steps that did nothing wrong: what executed them went away."""


def why_step_failed(event: dg.DagsterEvent) -> str:
    """Return why a step failed: what our own errors say, else the deepest cause."""
    failure = event.step_failure_data
    if failure.user_failure_data and failure.user_failure_data.description:
        return without_data(str(failure.user_failure_data.description))
    return without_data(_deepest(failure.error) or str(event.message))


def advice_on_step(event: dg.DagsterEvent) -> str:
    """Return what to do about a step that failed, where our own error said so."""
    told = event.step_failure_data.user_failure_data
    entry = told.metadata.get(ADVICE) if told else None
    return without_data(str(entry.value)) if entry else ""


def why_run_failed(instance: dg.DagsterInstance, run: dg.DagsterRun, event: dg.DagsterEvent) -> str:
    """Return why a run failed, where no step did."""
    failure = event.event_specific_data
    if isinstance(failure, JobFailureData):
        return without_data(_deepest(failure.error) or str(event.message))
    # Dagster says why it could not launch a run in an event before, and nothing in the one of the failure.
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ENGINE_EVENT, ascending=False).records
    errors = [record.event_log_entry.get_dagster_event().engine_event_data.error for record in records]
    began = any(each.status is not None for each in instance.get_run_step_stats(run.run_id))
    return without_data((_deepest(errors[0]) if errors and not began else "") or str(event.message))


def steps_left(instance: dg.DagsterInstance, run: dg.DagsterRun) -> list[str]:
    """Return the steps of a run that has ended which were at work or next: they neither ended well nor wait for one that did
    not.
    """
    if run.execution_plan_snapshot_id is None:
        return []
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    stats = instance.get_run_step_stats(run.run_id)
    done = {each.step_key for each in stats if each.status in (StepEventStatus.SUCCESS, StepEventStatus.SKIPPED)}
    left = [step for step in plan.steps if step.key in plan.step_keys_to_execute and step.key not in done]
    keys = {step.key for step in left}
    return [step.key for step in left if keys.isdisjoint(key for each in step.inputs for key in each.upstream_step_keys)]


def steps_done(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """Return the steps of a run that ended well."""
    return {each.step_key for each in instance.get_run_step_stats(run.run_id) if each.status is StepEventStatus.SUCCESS}


def was_lost(instance: dg.DagsterInstance, run: dg.DagsterRun) -> bool:
    """Return whether a failed run failed with its process, its workers or the code server, and not for what a step did."""
    if run.tags.get(RUN_FAILURE_REASON_TAG) != RunFailureReason.STEP_FAILURE.value:
        return True
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.STEP_FAILURE).records
    failures: list[Any] = [record.event_log_entry.get_dagster_event().step_failure_data.error for record in records]
    return bool(failures) and all(error is not None and error.cls_name in _LOSSES for error in failures)


def dagster_repeats(run: dg.DagsterRun) -> bool:
    """Return whether Dagster itself launches a failed run once more."""
    return run.tags.get(WILL_RETRY_TAG) == "true" and AUTO_RETRY_RUN_ID_TAG not in run.tags


def kinds_of(event: dg.DagsterEvent) -> set[str | None]:
    """Return the names of the classes of the errors that a step failed with, causes included."""
    return _kinds(event.step_failure_data.error)


def _kinds(error: SerializableErrorInfo | None) -> set[str | None]:
    return {error.cls_name} | _kinds(error.cause) if error else set()


def _deepest(error: SerializableErrorInfo | None) -> str:
    while error is not None and error.cause is not None:
        error = error.cause
    return "" if error is None else error.message.partition("\n\nStack Trace:")[0].strip()
