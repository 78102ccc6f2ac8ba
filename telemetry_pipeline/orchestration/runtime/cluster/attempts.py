"""Attempts at a step: what Dagster's log has of one, whether another follows, and that an earlier one stores no event."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from typing import Any, TypeVar, cast

import dagster as dg
from celery.exceptions import SoftTimeLimitExceeded, TimeLimitExceeded, WorkerLostError
from dagster._core.execution.plan.objects import ErrorSource
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._serdes import ConfigurableClassData

from telemetry_pipeline.errors import (
    ADVICE,
    FAILED,
    MalformedAnswer,
    PanAccessError,
    StatementFailed,
    StepEnded,
    StepLost,
    TelemetryError,
    Unavailable,
)
from telemetry_pipeline.job_names import TICK
from telemetry_pipeline.orchestration.runtime.instance import PipelineInstance
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.errors import explanation
from telemetry_pipeline.warehouse.operations.attempts import Attempt

F = TypeVar("F", bound=Callable[..., Any])

PROMPTLY_SECONDS = 2
"""Before a step is tried again whose failure was nobody's absence: a worker that was lost, a connection that was cut."""

ENDS = frozenset(
    {
        dg.DagsterEventType.STEP_SUCCESS,
        dg.DagsterEventType.STEP_FAILURE,
        dg.DagsterEventType.STEP_SKIPPED,
        dg.DagsterEventType.STEP_UP_FOR_RETRY,
    }
)
TOLD = ENDS | {dg.DagsterEventType.STEP_OUTPUT, dg.DagsterEventType.RESOURCE_INIT_FAILURE}
"""What of a step's events the process of its run goes by; all of them are in the log."""

# No output of steps is captured, and resources that come up are no news; three events a step, in each tick.
_NOT_KEPT = frozenset(
    {
        dg.DagsterEventType.LOGS_CAPTURED,
        dg.DagsterEventType.RESOURCE_INIT_STARTED,
        dg.DagsterEventType.RESOURCE_INIT_SUCCESS,
    }
)
_BEGINNINGS = frozenset({dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED})
_COURSE = {*_BEGINNINGS, dg.DagsterEventType.STEP_OUTPUT, *ENDS}


ENDING = (StepEnded, Unavailable, SoftTimeLimitExceeded)
"""Errors after which the parts of a step that are left would fail as well."""

_PASSING = (Unavailable, MalformedAnswer, StatementFailed, StepLost)
_PROMPT = (WorkerLostError, StepLost)
_FINAL = (SoftTimeLimitExceeded, TimeLimitExceeded)


def seconds_to_next(error: Exception, failures: int, settings: StackSettings, *, is_tick: bool) -> float | None:
    """Return how long to wait before a step is tried again; None: it has failed.

    Our own errors say whether trying again may help. Of others nobody knows, so they are given the chance.

    :param failures: how often it failed in a row before.
    :param is_tick: the next one comes soon and by itself, and is not held up, least of all by an upstream that is away.
    """
    final = isinstance(error, _FINAL) or (isinstance(error, TelemetryError) and not isinstance(error, _PASSING))
    if final or failures >= settings.step_retries or (is_tick and isinstance(error, PanAccessError)):
        return None
    return PROMPTLY_SECONDS if is_tick or isinstance(error, _PROMPT) else settings.step_retry_seconds


def is_tick(run: dg.DagsterRun) -> bool:
    """Return whether the next run of the same comes soon and by itself."""
    return run.job_name == TICK


def tried_again(settings: StackSettings) -> Callable[[F], F]:
    """Have the step that executes a function tried again after an error that may pass: the process of the run waits, no worker
    does. In a test whose run is kept nowhere nobody waits. When a step has failed for good, its message is the error's.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def plain(context: Any, **given: Any) -> Any:
            with _judged(context, settings):
                return function(context, **given)

        @functools.wraps(function)
        def generator(context: Any, **given: Any) -> Iterator[Any]:
            with _judged(context, settings):
                yield from function(context, **given)

        return cast("F", generator if inspect.isgeneratorfunction(function) else plain)

    return decorate


class PartsFailed(Exception):
    """Parts of a step failed; all others are done.

    :ivar errors: by the names of the parts.
    """

    def __init__(self, errors: Mapping[str, Exception]) -> None:
        super().__init__("; ".join(f"{name}: {_problem(err)}" for name, err in errors.items()))
        self.errors = errors


@contextmanager
def _judged(context: dg.AssetExecutionContext | dg.OpExecutionContext, settings: StackSettings) -> Iterator[None]:
    try:
        yield
    except (dg.Failure, dg.RetryRequested):
        raise
    except Exception as raised:
        errors = raised.errors if isinstance(raised, PartsFailed) else {"": raised}
        step = context.get_step_execution_context()
        failed_before = failures(context.instance, context.run.run_id, step.step.key)
        waits = [
            seconds_to_next(_told_of(err), failed_before, settings, is_tick=is_tick(context.run)) for err in errors.values()
        ]
        seconds = max((each for each in waits if each is not None), default=None)
        if seconds is not None and not context.instance.is_ephemeral:
            raise dg.RetryRequested(max_retries=step.previous_attempt_count + 1, seconds_to_wait=seconds) from raised
        if isinstance(raised, PartsFailed):
            raise dg.Failure(description=str(raised), metadata=_of_parts(errors), allow_retries=False) from raised
        if isinstance(err := _told_of(raised), TelemetryError):
            advice = {ADVICE: err.advice} if err.advice else None
            raise dg.Failure(description=err.problem, metadata=advice, allow_retries=False) from raised
        raise


def _of_parts(errors: Mapping[str, Exception]) -> dict[str, str]:
    """Return why each part failed, and what to do about it, as metadata of the step's failure."""
    told = {name: _told_of(err) for name, err in errors.items()}
    advice = {f"{ADVICE}/{name}": err.advice for name, err in told.items() if isinstance(err, TelemetryError) and err.advice}
    return {f"{FAILED}/{name}": _problem(err) for name, err in errors.items()} | advice


def _told_of(error: Exception) -> Exception:
    """Return what is told in place of an error."""
    return explanation(error) or error


def _problem(error: Exception) -> str:
    told = _told_of(error)
    return told.problem if isinstance(told, TelemetryError) else f"{type(told).__name__}: {told}"


def attempt_number(known: KnownExecutionState | None, step: str) -> int:
    """Return which attempt at a step one is that is submitted with what is *known* of its run: Dagster counts them, from 0."""
    return known.get_retry_state().get_attempt_count(step) if known else 0


def failures(instance: dg.DagsterInstance, run_id: str, step: str) -> int:
    """Return how often in a row a step failed and was tried again; that it went on in a new one is no failure."""
    count = 0
    for event in _log(instance, run_id, step, {dg.DagsterEventType.STEP_UP_FOR_RETRY}):
        error = event.step_retry_data.error
        goes_on = error.cls_name == dg.RetryRequested.__name__ and error.cause is None
        count = 0 if goes_on else count + 1
    return count


def submitted(instance: dg.DagsterInstance, run_id: str, step: str) -> int:
    """Return the highest number that an attempt at a step may have by now: another one follows when it is on record why."""
    return sum(1 for _ in _log(instance, run_id, step, {dg.DagsterEventType.STEP_UP_FOR_RETRY}))


def ended(instance: dg.DagsterInstance, run_id: str, step: str, number: int) -> list[dg.DagsterEvent]:
    """Return the events with which an attempt at a step has ended; none while it has not."""
    events: list[dg.DagsterEvent] = []
    reached = 0
    for event in _log(instance, run_id, step, _COURSE):
        if reached == number:
            # It may have been begun before, by a process that was lost.
            events = [event] if event.event_type in _BEGINNINGS else [*events, event]
        reached += event.is_step_up_for_retry
    return events if events and events[-1].event_type in ENDS else []


def _log(instance: dg.DagsterInstance, run_id: str, step: str, types: set[dg.DagsterEventType]) -> Iterator[dg.DagsterEvent]:
    for entry in instance.all_logs(run_id, of_type=types):
        if entry.dagster_event and entry.dagster_event.step_key == step:
            yield entry.dagster_event


class AttemptInstance(PipelineInstance):
    """A worker's Dagster instance: it stores no event of an attempt that does not count any more, and no failure of one whose
    process was told to end, for that step is tried again; nor events that tell nobody anything.

    :ivar attempt: what the process is at work on.
    """

    attempt: Attempt | None = None

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self._waiting: list[tuple[dg.EventLogEntry, dict[str, Any]]] = []

    @classmethod
    def of_environment(cls) -> AttemptInstance:
        """Return the instance of ``DAGSTER_HOME`` as one of this class."""
        ref = dg.DagsterInstance.get().get_ref()
        own = ref._replace(custom_instance_class_data=ConfigurableClassData(cls.__module__, cls.__name__, "{}"))
        instance = dg.DagsterInstance.from_ref(own)
        assert isinstance(instance, cls)
        return instance

    @contextmanager
    def at_work_on(self, attempt: Attempt) -> Iterator[None]:
        """Make every event one of this attempt, as long as the context lasts."""
        self.attempt = attempt
        self._waiting = []
        try:
            yield
        finally:
            self.attempt = None

    def handle_new_event(self, event: dg.EventLogEntry, **details: Any) -> None:
        """Store it; an output in one transaction with what is said of it, which follows at once.

        :raises Superseded: another attempt counts.
        """
        if self.attempt is None:
            super().handle_new_event(event, **details)
            return
        if _is_interruption(event.dagster_event) or _is_no_news(event.dagster_event) or not self.should_store_event(event):
            return
        if _is_of_a_check_that_holds_up_nothing(event) and self._waiting:
            # Nothing is made of its output, and what that was is in the evaluation.
            self._waiting.pop()
        self._waiting.append((event, details))
        if not (event.dagster_event and event.dagster_event.event_type is dg.DagsterEventType.STEP_OUTPUT):
            self._store()

    def _store(self) -> None:
        assert self.attempt
        try:
            self.attempt.check()
            with self.events_together() if len(self._waiting) > 1 else nullcontext():
                for event, details in self._waiting:
                    super().handle_new_event(event, **details)
        except BaseException:
            # Whoever said it hears that it is not stored; of a line in the log Dagster tells nobody.
            self._waiting.pop()
            raise
        self._waiting.clear()


def _is_of_a_check_that_holds_up_nothing(event: dg.EventLogEntry) -> bool:
    told = event.dagster_event
    if told is None or told.event_type is not dg.DagsterEventType.ASSET_CHECK_EVALUATION:
        return False
    return not told.asset_check_evaluation_data.blocking


def _is_no_news(event: dg.DagsterEvent | None) -> bool:
    return event is not None and event.event_type in _NOT_KEPT


def _is_interruption(event: dg.DagsterEvent | None) -> bool:
    return event is not None and event.is_step_failure and event.step_failure_data.error_source is ErrorSource.INTERRUPT
