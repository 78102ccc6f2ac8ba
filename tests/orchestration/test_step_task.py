"""What a worker does with the task of a run that has ended, and which limits it has."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import celery
import dagster as dg
import pytest
import sqlalchemy as sa
from billiard.einfo import ExceptionInfo
from celery.exceptions import WorkerLostError
from celery.worker import state
from celery.worker.request import Request
from dagster._core.code_pointer import FileCodePointer
from pydantic import SecretStr

from telemetry_pipeline.orchestration.runtime.cluster import step_task
from telemetry_pipeline.orchestration.runtime.cluster.executor import celery_settings
from telemetry_pipeline.orchestration.runtime.cluster.step_task import StepRequest, StepTask
from telemetry_pipeline.settings.loading import PipelineSettings, Settings, StackSettings
from telemetry_pipeline.warehouse.operations import attempts, problems

RUN_ID = "00000000-0000-4000-8000-000000000003"


@dg.op
def work() -> None:
    """Something to do."""


@dg.job
def toil() -> None:
    work()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make_settings: Callable[..., Settings], database_url: str) -> Path:
    """A worker's own Dagster home, and the settings of its surroundings."""
    settings = make_settings(database_url=database_url)
    monkeypatch.setattr(StackSettings, "load", lambda: settings)
    home = tmp_path / "worker"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    step_task._instance.cache_clear()
    return home


ARGUMENTS = {"run_id": RUN_ID, "step": "work", "attempt": 0}
DEFINITIONS = FileCodePointer(__file__, "toil")


def execute() -> list[str]:
    """Give a step of the run to a worker."""
    app = celery.Celery(set_as_current=False)
    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True
    task = app.register_task(StepTask(DEFINITIONS, PipelineSettings.load().database_url))
    done: Any = task.apply(kwargs=ARGUMENTS).get()
    return list(done or [])


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELING])
def test_a_step_of_a_run_that_has_ended_is_not_executed(home: Path, status: dg.DagsterRunStatus) -> None:
    """The broker gives the tasks of a lost worker out again long after the run was given up."""
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=status)
    assert execute() == []


def test_a_worker_works_in_its_own_dagster_home(home: Path) -> None:
    """That of the process that submitted the step may be on another machine."""
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    events = execute()
    assert any("STEP_SUCCESS" in event for event in events)
    with dg.DagsterInstance.get() as own:
        assert own.all_logs(RUN_ID)


def test_a_step_that_had_ended_is_not_executed_again(home: Path) -> None:
    """The broker hands a message out again when its worker was lost, or cut off for a while."""
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
        first = execute()
        events = len(own.all_logs(RUN_ID))
        again = execute()
        assert [event for event in first if "STEP_SUCCESS" in event] == [event for event in again if "STEP_SUCCESS" in event]
        assert len(own.all_logs(RUN_ID)) == events


def test_a_step_with_a_later_attempt_is_not_executed(home: Path, engine: sa.Engine) -> None:
    """A message that arrives late."""
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
        attempts.supersede(engine, RUN_ID, "work", 1)
        assert execute() == []
        assert own.all_logs(RUN_ID) == []


@pytest.mark.slow
@pytest.mark.parametrize(("grace_seconds", "status"), [(0.2, -signal.SIGKILL), (60, 0)], ids=["too long", "within its grace"])
@pytest.mark.parametrize("ended", [True, False], ids=["run ended", "superseded"])
def test_a_process_whose_step_does_not_stop_with_its_run_is_killed(grace_seconds: float, status: int, ended: bool) -> None:
    step = f"""
import time
from types import SimpleNamespace
from telemetry_pipeline.orchestration.runtime.cluster import step_task
step_task.LOOK_SECONDS, step_task.GRACE_SECONDS = 0.1, {grace_seconds}
step_task._run_has_ended = lambda run_id: {ended}
attempt = SimpleNamespace(run_id="{RUN_ID}", step="work", counts=lambda: {ended})
with step_task._ended_with(attempt):
    time.sleep({200 if status else 1})
"""
    assert subprocess.run([sys.executable, "-c", step], capture_output=True, timeout=150).returncode == status


def test_soft_limits_end_before_hard_ones_and_those_before_the_visibility_timeout(
    make_settings: Callable[..., Settings],
) -> None:
    """Else a step would run a second time beside the first."""
    limits = celery_settings(make_settings(run_soft_time_limit_minutes=50, run_time_limit_minutes=60))
    assert limits["task_soft_time_limit"] == 50 * 60
    assert limits["task_time_limit"] == 60 * 60
    assert limits["broker_transport_options"]["visibility_timeout"] > 60 * 60
    assert limits["worker_prefetch_multiplier"] == 1
    assert limits["task_acks_late"]


def test_celery_leaves_it_to_the_process_of_the_run_to_try_a_step_again(make_settings: Callable[..., Settings]) -> None:
    """Two who try again would multiply."""
    app = celery.Celery(set_as_current=False)
    app.conf.update(celery_settings(make_settings()))
    unbound = dict.fromkeys(("acks_late", "reject_on_worker_lost", "retry_on_worker_lost"))
    task = app.register_task(type("Fresh", (StepTask,), unbound)(DEFINITIONS, SecretStr("postgresql://nowhere")))
    assert task.acks_late
    assert not task.retry_on_worker_lost
    assert not task.reject_on_worker_lost


def test_a_child_process_is_replaced_after_so_many_tasks_and_so_much_memory(make_settings: Callable[..., Settings]) -> None:
    limits = celery_settings(make_settings(worker_child_tasks=123, worker_child_memory_mb=456))
    assert limits["worker_max_tasks_per_child"] == 123
    assert limits["worker_max_memory_per_child"] == 456_000, "Celery takes kilobytes"


def test_a_result_outlives_the_longest_wait_for_it(make_settings: Callable[..., Settings]) -> None:
    limits = celery_settings(make_settings(run_soft_time_limit_minutes=50, run_time_limit_minutes=60))
    assert limits["result_expires"] > 60 * 60


@pytest.fixture
def handed_on(monkeypatch: pytest.MonkeyPatch) -> list[ExceptionInfo]:
    """The failures that Celery itself got to handle."""
    failures: list[ExceptionInfo] = []
    monkeypatch.setattr(Request, "on_failure", lambda self, exc_info, **options: failures.append(exc_info))
    return failures


def fail(error: BaseException) -> ExceptionInfo:
    """Tell the main process of a worker that the task of a step ended like that."""
    headers = {"id": "1", "task": "execute_plan"}
    message: Any = SimpleNamespace(headers=headers, body=((), ARGUMENTS, {}), delivery_info={}, properties={})
    app = celery.Celery(set_as_current=False)
    request = StepRequest(
        message,
        app=app,
        task=app.register_task(StepTask(DEFINITIONS, PipelineSettings.load().database_url)),
        hostname="a@host",
        decoded=True,
        body=message.body,
    )
    try:
        raise error
    except BaseException:  # noqa: BLE001 - the end of a process is one of them
        info = ExceptionInfo()
    request.on_failure(info)
    return info


LOST = WorkerLostError("Worker exited prematurely: signal 9 (SIGKILL)")
KILLED = pytest.mark.parametrize("error", [LOST, SystemExit(15), KeyboardInterrupt()], ids=["lost", "exit", "interrupt"])


@pytest.fixture
def recorded(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Sets where problems go on record."""

    settings = Settings.load()

    def put(url: str) -> None:
        monkeypatch.setattr(StackSettings, "load", lambda: settings.model_copy(update={"database_url": SecretStr(url)}))

    put(database_url)
    return put


@KILLED
def test_a_killed_child_is_a_problem_on_record(
    recorded: Any, engine: sa.Engine, handed_on: list[ExceptionInfo], error: BaseException
) -> None:
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    assert handed_on == [fail(error)]
    [problem] = problems.open_problems(engine)
    assert problem.key == "child:a@host"
    assert problem.summary == "A process of worker a@host was killed at its step"
    assert problem.detail.startswith("At step work, ")
    assert problem.detail.endswith(str(error))
    assert problem.run_id == RUN_ID


@pytest.mark.slow
@KILLED
@pytest.mark.parametrize("status", [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELING])
def test_a_child_that_was_killed_with_its_run_is_no_problem(
    recorded: Any,
    engine: sa.Engine,
    handed_on: list[ExceptionInfo],
    error: BaseException,
    status: dg.DagsterRunStatus,
) -> None:
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=status)
    assert handed_on == [fail(error)]
    assert problems.open_problems(engine) == []


def test_a_child_that_was_killed_for_a_later_attempt_is_no_problem(
    recorded: Any, engine: sa.Engine, handed_on: list[ExceptionInfo]
) -> None:
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    attempts.supersede(engine, RUN_ID, "work", 1)
    assert handed_on == [fail(LOST)]
    assert problems.open_problems(engine) == []


def test_a_child_that_ends_with_its_worker_is_no_problem(
    recorded: Any,
    engine: sa.Engine,
    handed_on: list[ExceptionInfo],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    monkeypatch.setattr(state, "should_stop", 0)
    assert handed_on == [fail(LOST)]
    assert problems.open_problems(engine) == []


def test_a_step_that_fails_in_a_living_child_is_no_lost_child(
    recorded: Any, engine: sa.Engine, handed_on: list[ExceptionInfo]
) -> None:
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    assert handed_on == [fail(ValueError("of the step"))]
    assert problems.open_problems(engine) == []


def test_celery_handles_a_lost_child_that_cannot_be_put_on_record(
    recorded: Callable[[str], None], handed_on: list[ExceptionInfo]
) -> None:
    recorded("postgresql://nobody@127.0.0.1:1/none")
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    assert handed_on == [fail(LOST)]
