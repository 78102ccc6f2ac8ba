"""What a worker does with the task of a run that has ended, and which limits it has."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import celery
import dagster as dg
import pytest
from dagster._core.execution.retries import RetryMode
from dagster._grpc.types import ExecuteStepArgs
from dagster_celery.tasks import create_task
from dagster_shared.serdes import pack_value

from telemetry_pipeline.orchestration import step_task
from telemetry_pipeline.orchestration.executor import celery_settings
from telemetry_pipeline.orchestration.step_task import StepTask
from telemetry_pipeline.settings import Settings

RUN_ID = "00000000-0000-4000-8000-000000000003"


@dg.op
def work() -> None:
    """Something to do."""


@dg.job
def toil() -> None:
    work()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A worker's own Dagster home."""
    home = tmp_path / "worker"
    home.mkdir()
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    step_task._instance.cache_clear()
    return home


def execute(submitter: dg.DagsterInstance) -> list[str]:
    """Give a step of the run to a worker whose home is not the submitter's."""
    job = dg.reconstructable(toil)
    packed = pack_value(
        ExecuteStepArgs(
            job_origin=job.get_python_origin(),
            run_id=RUN_ID,
            step_keys_to_execute=["work"],
            instance_ref=submitter.get_ref(),
            retry_mode=RetryMode.ENABLED.for_inner_plan(),
            known_state=None,
            print_serialized_events=True,
        )
    )
    app = celery.Celery(set_as_current=False)
    app.conf.task_always_eager = True
    app.conf.task_eager_propagates = True
    task = create_task(app, base=StepTask)
    done: Any = task.apply(kwargs={"execute_step_args_packed": packed, "executable_dict": job.to_dict()}).get()
    return list(done)


@pytest.mark.parametrize("status", [dg.DagsterRunStatus.CANCELED, dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELING])
def test_a_step_of_a_run_that_has_ended_is_not_executed(
    home: Path, instance: dg.DagsterInstance, status: dg.DagsterRunStatus
) -> None:
    """The broker gives the tasks of a lost worker out again long after the run was given up."""
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=status)
    assert execute(instance) == []


def test_a_worker_works_in_its_own_dagster_home(home: Path, instance: dg.DagsterInstance) -> None:
    """That of the process that submitted the step may be on another machine."""
    with dg.DagsterInstance.get() as own:
        own.create_run_for_job(toil, run_id=RUN_ID, status=dg.DagsterRunStatus.STARTED)
    events = execute(instance)
    assert any("STEP_SUCCESS" in event for event in events)
    with dg.DagsterInstance.get() as own:
        assert own.all_logs(RUN_ID)
    assert not instance.all_logs(RUN_ID)


@pytest.mark.slow
@pytest.mark.parametrize(("grace_seconds", "status"), [(0.2, -signal.SIGKILL), (60, 0)], ids=["too long", "within its grace"])
def test_a_process_whose_step_does_not_stop_with_its_run_is_killed(grace_seconds: float, status: int) -> None:
    step = f"""
import time
from telemetry_pipeline.orchestration import step_task
step_task.LOOK_SECONDS, step_task.GRACE_SECONDS = 0.1, {grace_seconds}
step_task._run_has_ended = lambda run_id: True
with step_task._ended_with_its_run("{RUN_ID}"):
    time.sleep({5 if status else 1})
"""
    assert subprocess.run([sys.executable, "-c", step], capture_output=True, timeout=60).returncode == status


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
