"""How a worker treats the task of a step: in its own Dagster instance, and not beyond the end of the step's run."""

from __future__ import annotations

import functools
import logging
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import celery
import dagster as dg
from billiard.einfo import ExceptionInfo
from celery.exceptions import WorkerLostError
from celery.worker.request import Request
from dagster._grpc.types import ExecuteStepArgs
from dagster_shared.serdes import pack_value, unpack_value

from telemetry_pipeline.orchestration.steps import has_ended
from telemetry_pipeline.settings import Settings
from telemetry_pipeline.warehouse import problems
from telemetry_pipeline.warehouse.database import connect
from telemetry_pipeline.warehouse.problems import Problem

LOOK_SECONDS = 1.0
GRACE_SECONDS = 3.0
"""How long a step of a run that was ended may take to stop by itself."""

LOST_CHILD = "child:"
"""What the keys of problems begin with that are a killed child process."""

_log = logging.getLogger(__name__)


class StepRequest(Request):  # type: ignore[misc]
    """A task as the worker's main process sees it: tells when the child process that executes it is lost."""

    def on_failure(self, exc_info: ExceptionInfo, **options: Any) -> None:
        """Celery's own, and a problem on record if the child was killed, by whatever did; it is over when its run is."""
        # As billiard reports it, or as Celery does afterwards; either may come wrapped.
        error = getattr(exc_info.exception, "exc", exc_info.exception)
        if isinstance(error, WorkerLostError | SystemExit | KeyboardInterrupt):
            try:
                _report_lost_child(self.hostname, self.kwargs["execute_step_args_packed"], str(error))
            except Exception as err:  # noqa: BLE001 - whatever happens, Celery has to hear that the task is not at work
                _log.warning("a lost child process could not be put on record: %s", err)
        super().on_failure(exc_info, **options)


def _report_lost_child(node: str, packed: Any, error: str) -> None:
    args = unpack_value(packed, as_type=ExecuteStepArgs)
    if _run_has_ended(args.run_id):
        return
    problem = Problem(
        key=f"{LOST_CHILD}{node}",
        summary=f"a process of worker {node} was killed at step {', '.join(args.step_keys_to_execute or [])}",
        detail=error,
        advice="The step is tried again, twice at most. If it happens again, look whether memory runs out "
        "(WORKER_CHILD_MEMORY_MB, the machine's log).",
        run_id=args.run_id,
    )
    problems.report(connect(Settings.load().database_url), problem)


class StepTask(celery.Task):  # type: ignore[misc]
    """Executes one step of a run, in a child process of the worker."""

    Request = StepRequest

    def __call__(self, execute_step_args_packed: dict[str, Any], executable_dict: dict[str, Any]) -> list[str]:
        """The step's events; none when its run has ended, as that of a task which was given out again late."""
        instance = _instance(os.getpid())
        run_id = unpack_value(execute_step_args_packed, as_type=ExecuteStepArgs).run_id
        if _run_has_ended(run_id):
            _log.warning("run %s has ended: its step is not executed", run_id)
            return []
        # The submitter's directories may not exist on this machine.
        own = {**execute_step_args_packed, "instance_ref": pack_value(instance.get_ref())}
        with _ended_with_its_run(run_id):
            events: list[str] = self.run(execute_step_args_packed=own, executable_dict=executable_dict)
            return events


@functools.cache
def _instance(_process: int) -> dg.DagsterInstance:
    # A connection must not be used on both sides of a fork.
    return dg.DagsterInstance.get()


def _run_has_ended(run_id: str) -> bool:
    return has_ended(_instance(os.getpid()).get_run_by_id(run_id))


@contextmanager
def _ended_with_its_run(run_id: str) -> Iterator[None]:
    """End this process if its run is ended and the step does not stop by itself. PostgreSQL keeps nothing of it that was not
    committed; Celery begins the task anew, which then sees that the run has ended.
    """
    done = threading.Event()

    def watch() -> None:
        ended_at: float | None = None
        while not done.wait(LOOK_SECONDS):
            try:
                ended = _run_has_ended(run_id)
            except Exception as err:  # noqa: BLE001 - the database may be away; the step finds that out by itself
                _log.warning("run %s cannot be looked at: %s", run_id, err)
                continue
            if ended:
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at >= GRACE_SECONDS and not done.is_set():
                    _log.warning("run %s was ended and its step did not stop: this process ends", run_id)
                    os.kill(os.getpid(), signal.SIGKILL)

    watcher = threading.Thread(target=watch, name="run-watch", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
