"""What Dagster's records say of runs and steps that failed: why, what was left, and whether they were lost with what
executed them.
"""

from __future__ import annotations

from typing import Any

import dagster as dg
from dagster._core.events import JobFailureData, RunFailureReason
from dagster._core.execution.stats import StepEventStatus
from dagster._core.snap.execution_plan_snapshot import ExecutionStepSnap
from dagster._core.storage.tags import AUTO_RETRY_RUN_ID_TAG, RUN_FAILURE_REASON_TAG, WILL_RETRY_TAG
from dagster_shared.error import SerializableErrorInfo

from telemetry_pipeline.errors import ADVICE, FAILED, StepInterrupted, StepLost, WarehouseUnavailable
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


def advice_on_step(event: dg.DagsterEvent) -> list[str]:
    """Return what to do about a step that failed, where our own errors said so."""
    return [without_data(text) for label, text in _told(event).items() if label.split("/")[0] == ADVICE]


def failed_parts(event: dg.DagsterEvent) -> dict[str, str]:
    """Return why each of the assets failed that a failed step makes beside others; empty: the step failed as a whole."""
    labels = {label: label.partition("/") for label in _told(event)}
    return {name: without_data(_told(event)[label]) for label, (kind, _, name) in labels.items() if kind == FAILED}


def _told(event: dg.DagsterEvent) -> dict[str, str]:
    told = event.step_failure_data.user_failure_data
    return {label: str(entry.value) for label, entry in told.metadata.items()} if told else {}


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


def left(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dict[str, str]:
    """Return what a run that has ended was at work on or next: by its name, the step. Steps neither ended well nor wait for one
    that did not; of one that makes several assets, it is those that are not made.
    """
    if run.execution_plan_snapshot_id is None:
        return {}
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    stats = instance.get_run_step_stats(run.run_id)
    done = {each.step_key for each in stats if each.status in (StepEventStatus.SUCCESS, StepEventStatus.SKIPPED)}
    steps = [step for step in plan.steps if step.key in plan.step_keys_to_execute and step.key not in done]
    keys = {step.key for step in steps}
    records = instance.get_records_for_run(run.run_id, of_type=dg.DagsterEventType.ASSET_MATERIALIZATION).records
    events = [record.event_log_entry.get_dagster_event() for record in records]
    made = {(event.step_key, event.asset_key.to_user_string()) for event in events if event.asset_key}
    return {
        name: step.key
        for step in steps
        if keys.isdisjoint(key for each in step.inputs for key in each.upstream_step_keys)
        for name in _makes(step)
        if name == step.key or (step.key, name) not in made
    }


def done(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """Return what a run has done: the steps that ended well, and the assets that they make."""
    well = {each.step_key for each in instance.get_run_step_stats(run.run_id) if each.status is StepEventStatus.SUCCESS}
    if run.execution_plan_snapshot_id is None:
        return well
    plan = instance.get_execution_plan_snapshot(run.execution_plan_snapshot_id)
    return well.union(*(_makes(step) for step in plan.steps if step.key in well))


def _makes(step: ExecutionStepSnap) -> list[str]:
    """Return the assets that a step makes, or its own name."""
    keys = [output.properties.asset_key for output in step.outputs if output.properties]
    return [key.to_user_string() for key in keys if key] or [step.key]


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
