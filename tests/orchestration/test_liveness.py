"""A run whose process was lost is found, although nothing of it is left to say so."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher import WorkerStatus

from telemetry_pipeline.orchestration import launcher
from telemetry_pipeline.orchestration.launcher import PatientRunLauncher
from telemetry_pipeline.orchestration.liveness import alive, is_alive
from telemetry_pipeline.settings import Settings

RUN_ID = "00000000-0000-4000-8000-000000000004"
OTHER = "f0000000-0000-4000-8000-000000000005"
LIVE = """
import sys, time
from telemetry_pipeline.orchestration.liveness import alive
with alive(sys.argv[1], sys.argv[2]):
    print("alive", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_is_not_alive(database_url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, database_url, RUN_ID], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "alive\n"
        assert is_alive(database_url, RUN_ID)
        assert not is_alive(database_url, OTHER)
    finally:
        process.kill()
        process.communicate()
    # PostgreSQL notices the closed connection as soon as it looks.
    for _ in range(1_000):
        if not is_alive(database_url, RUN_ID):
            break
    assert not is_alive(database_url, RUN_ID)


@pytest.mark.parametrize(
    ("status", "started_ago", "lives", "expected"),
    [
        pytest.param(dg.DagsterRunStatus.STARTED, 60, True, WorkerStatus.RUNNING, id="its process lives"),
        pytest.param(dg.DagsterRunStatus.STARTED, 60, False, WorkerStatus.FAILED, id="its process is lost"),
        pytest.param(dg.DagsterRunStatus.STARTED, 1, False, WorkerStatus.RUNNING, id="it has just begun"),
        pytest.param(dg.DagsterRunStatus.SUCCESS, 60, False, WorkerStatus.SUCCESS, id="it has just ended"),
    ],
)
def test_the_health_of_a_run(
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    instance: dg.DagsterInstance,
    database_url: str,
    status: dg.DagsterRunStatus,
    started_ago: float,
    lives: bool,
    expected: Any,
) -> None:
    settings = make_settings(dagster_database_url=database_url)
    monkeypatch.setattr(Settings, "load", lambda: settings)
    monkeypatch.setattr(launcher, "_DOUBT_SECONDS", 0)
    monkeypatch.setattr(launcher.logs, "configure", lambda _: None)
    run = instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID))
    checked = PatientRunLauncher()
    checked.register_instance(instance)
    start = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="telemetry_tick")
    instance.report_dagster_event(start, RUN_ID, timestamp=launcher.time.time() - started_ago)
    if status is dg.DagsterRunStatus.SUCCESS:
        instance.report_dagster_event(dg.DagsterEvent(event_type_value="PIPELINE_SUCCESS", job_name="telemetry_tick"), RUN_ID)
    if lives:
        with alive(database_url, RUN_ID):
            health = checked.check_run_worker_health(run)
    else:
        health = checked.check_run_worker_health(run)
    assert health.status is expected
