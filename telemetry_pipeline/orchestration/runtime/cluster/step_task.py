"""How a worker treats the task of a step: in its own Dagster instance, once, and not beyond the end of the step's run."""

from __future__ import annotations

import functools
import logging
import os
import signal
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import celery
import dagster as dg
from billiard.einfo import ExceptionInfo
from celery.exceptions import Ignore, WorkerLostError
from celery.worker import state
from celery.worker.request import Request
from dagster._core.code_pointer import CodePointer
from dagster._core.definitions.reconstruct import ReconstructableRepository
from dagster._core.errors import DagsterExecutionInterruptedError
from dagster._core.events import EngineEventData
from dagster._core.execution.api import create_execution_plan, execute_plan_iterator
from dagster._core.execution.plan.state import KnownExecutionState
from dagster._core.execution.retries import RetryMode
from dagster_celery.config import TASK_EXECUTE_PLAN_NAME
from dagster_celery.core_execution_loop import DELEGATE_MARKER
from dagster_celery.executor import CeleryExecutor
from dagster_postgres.utils import DagsterPostgresException
from dagster_shared.serdes import serialize_value
from pydantic import SecretStr
from sqlalchemy.exc import OperationalError

from telemetry_pipeline.errors import CodeDiffers, StepInterrupted, Superseded, WarehouseUnavailable
from telemetry_pipeline.logs.lines import without_data
from telemetry_pipeline.orchestration.runtime.cluster.attempts import TOLD, AttemptInstance, ended, submitted
from telemetry_pipeline.orchestration.runtime.cluster.foreign_messages import note_foreign
from telemetry_pipeline.orchestration.runtime.cluster.steps import has_ended
from telemetry_pipeline.settings.loading import PipelineSettings
from telemetry_pipeline.warehouse.db.connections import connect, shared
from telemetry_pipeline.warehouse.operations import attempts, problems
from telemetry_pipeline.warehouse.operations.attempts import Attempt
from telemetry_pipeline.warehouse.operations.problems import Problem

LOOK_SECONDS = 1.0
GRACE_SECONDS = 3.0
"""How long a step of a run that was ended may take to stop by itself."""

LOST_CHILD = "child:"
"""What the keys of problems begin with that are a killed child process."""

_log = logging.getLogger(__name__)


class StepRequest(Request):  # type: ignore[misc]
    """A task as the worker's main process sees it: tells when the child process that executes it is lost."""

    def on_failure(self, exc_info: ExceptionInfo, **options: Any) -> None:
        """Do what Celery does, and put it on record if the child was killed, by whatever did; it is over when its run is."""
        # As billiard reports it, or as Celery does afterwards; either may come wrapped.
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt) and not worker_ends():
            try:
                _report_lost_child(self.hostname, str(error), **self.kwargs)
            except Exception as err:  # noqa: BLE001 - whatever happens, Celery has to hear that the task is not at work
                _log.warning("a lost child process could not be put on record: %s", err)
        super().on_failure(exc_info, **options)


def worker_ends() -> bool:
    """Return whether this worker was told to end, and so its children."""
    # What Celery keeps there is an exit code, 0 included.
    return any(told is not None and told is not False for told in (state.should_stop, state.should_terminate))


def _report_lost_child(node: str, error: str, *, run_id: str, step: str, attempt: int) -> None:
    settings = PipelineSettings.load()
    engine = connect(settings.database_url)
    # Those of an ended run and of an earlier attempt kill themselves.
    if _run_has_ended(run_id) or attempts.is_superseded(engine, run_id, step, attempt):
        return
    detail = f"At step {step}, which is tried again, {settings.step_retries} times at most: {error}"
    problems.report(engine, Problem.of(f"{LOST_CHILD}{node}", detail, run_id=run_id))


class StepTask(celery.Task):  # type: ignore[misc]
    """Executes one attempt at a step of a run, in a child process of the worker and its own Dagster instance.

    A message says which attempt that is, in words and numbers, and no more: anybody may have written it.

    :param definitions: where the jobs are that are executed; which of them, the run says that is stored.
    :param database_url: of the warehouse, where attempts stand.
    """

    name = TASK_EXECUTE_PLAN_NAME
    Request = StepRequest

    def __init__(self, definitions: CodePointer, database_url: SecretStr) -> None:
        self._definitions = ReconstructableRepository(definitions)
        self._database_url = database_url

    def run(self, run_id: str, step: str, attempt: int) -> list[str]:
        """Return those of the attempt's events that its run goes by; none when that has ended. Those on record, if the attempt
        had ended before: the broker hands a message out again whose worker was lost, or cut off.

        :param attempt: from 0.
        :raises Ignore: another attempt counts; whatever this one has to say is not said.
        :raises TelemetryError: why it cannot be executed.
        """
        instance = _instance(os.getpid())
        begun: Attempt | None = None
        try:
            if _run_has_ended(run_id):
                _log.warning("run %s has ended: its step is not executed", run_id)
                return []
            if attempt and attempt > submitted(instance, run_id, step):
                note_foreign(f"a message asks for attempt {attempt} at step {step} of run {run_id}, which nobody is at")
                raise Ignore
            begun = attempts.begin(shared(self._database_url), run_id, step, attempt)
            if begun.is_repeated and (events := ended(instance, run_id, step, attempt)):
                _log.warning("step %s of run %s had ended: it is not executed again", step, run_id)
                return _told(events)
            with _ended_with(begun), instance.at_work_on(begun):
                return self._execute(instance, begun)
        except (KeyboardInterrupt, DagsterExecutionInterruptedError) as err:
            raise StepInterrupted(f"the process that executed step {step} was told to end") from err
        except Ignore:
            raise
        except Exception as err:
            if isinstance(err, Superseded) or (begun and not _counts(begun)):
                _log.warning("another attempt at step %s of run %s counts: this one ends", step, run_id)
                raise Ignore from err
            if isinstance(err, OperationalError | DagsterPostgresException):
                raise WarehouseUnavailable(f"PostgreSQL went away during step {step}: {_one_line(err)}") from err
            raise

    def _execute(self, instance: AttemptInstance, attempt: Attempt) -> list[str]:
        step = attempt.step
        run = instance.get_run_by_id(attempt.run_id)
        assert run
        job = self._definitions.get_reconstructable_job(run.job_name).get_subset(
            op_selection=run.resolved_op_selection,
            asset_selection=run.asset_selection,
            asset_check_selection=run.asset_check_selection,
        )
        known = KnownExecutionState(previous_retry_attempts={step: attempt.number})
        try:
            plan = create_execution_plan(job, run.run_config, step_keys_to_execute=[step], known_state=known)
        except Exception as err:
            raise CodeDiffers(
                f"the worker {self.request.hostname} cannot execute step {step} of {run.job_name}: {_one_line(err)}. "
                "Its code is not that of the run",
                "restart the workers and the code server together (of a local stack: end "
                "'telemetry-pipeline up' and start it again), and launch the run again",
            ) from err
        details = EngineEventData({"step_keys": step, "Celery worker": str(self.request.hostname)}, marker_end=DELEGATE_MARKER)
        message = f"Executing steps {step} in celery worker"
        instance.report_engine_event(message, run, details, CeleryExecutor, step_key=step)
        retries = RetryMode.ENABLED.for_inner_plan()
        events = execute_plan_iterator(plan, job, run, instance, retry_mode=retries, run_config=run.run_config)
        return _told(events)


def _told(events: Iterable[dg.DagsterEvent]) -> list[str]:
    return [serialize_value(event) for event in events if event.event_type in TOLD]


def _one_line(err: Exception) -> str:
    return " ".join(without_data(str(err)).split())


@functools.cache
def _instance(_process: int) -> AttemptInstance:
    # A connection must not be used on both sides of a fork.
    return AttemptInstance.of_environment()


def _run_has_ended(run_id: str) -> bool:
    return has_ended(_instance(os.getpid()).get_run_by_id(run_id))


def _counts(attempt: Attempt) -> bool:
    """Return whether it does, as far as can be said."""
    try:
        return attempt.counts()
    except WarehouseUnavailable:
        return True


@contextmanager
def _ended_with(attempt: Attempt) -> Iterator[None]:
    """End this process if the run of the attempt is ended, or another attempt counts, and the step does not stop by itself.
    PostgreSQL keeps nothing of it that was not committed.
    """
    done = threading.Event()

    def watch() -> None:
        over_at: float | None = None
        while not done.wait(LOOK_SECONDS):
            try:
                over = _run_has_ended(attempt.run_id) or not attempt.counts()
            except Exception as err:  # noqa: BLE001 - the database may be away; the step finds that out by itself
                _log.warning("run %s cannot be looked at: %s", attempt.run_id, err)
                continue
            if over:
                over_at = over_at or time.monotonic()
                if time.monotonic() - over_at >= GRACE_SECONDS and not done.is_set():
                    _log.warning("step %s of run %s is over and did not stop: this process ends", attempt.step, attempt.run_id)
                    os.kill(os.getpid(), signal.SIGKILL)

    watcher = threading.Thread(target=watch, name="run-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
