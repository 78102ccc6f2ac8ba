"""A real code server that is killed and started again: what is launched or retried meanwhile waits for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.selector import JobSubsetSelector
from dagster._core.errors import DagsterLaunchFailedError, DagsterUserCodeUnreachableError
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import GrpcServerTarget
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon
from dagster._grpc.client import DagsterGrpcClient
from terminal import wait_until

from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.orchestration.runtime import launcher
from telemetry_pipeline.settings.loading import Settings, StackSettings
from telemetry_pipeline.stack.processes.ports import free_port

TOY = Path(__file__).parents[1] / "support" / "toy_pipeline.py"
LOCATION = "telemetry_pipeline"
SECONDS = 120


class CodeServer:
    """Dagster's own, of the toy pipeline, always on the same port."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        address = ["--host", "127.0.0.1", "--port", str(self.port), "--location-name", LOCATION]
        command = [sys.executable, "-m", "dagster", "api", "grpc", "--python-file", str(TOY), *address]
        environment = os.environ | {"DAGSTER_HOME": str(self._home), "PYTHONPATH": str(Path(__file__).parents[2])}
        with (self._home / "code-server.log").open("ab") as log:
            self._process = subprocess.Popen(command, cwd=self._home, env=environment, stdout=log, stderr=log)
        wait_until(self._answers, SECONDS)

    def kill(self) -> None:
        assert self._process
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        with suppress(DagsterUserCodeUnreachableError):
            return bool(DagsterGrpcClient(host="127.0.0.1", port=self.port).ping("")["echo"] == "")
        return False


@pytest.fixture
def home(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    settings = make_settings()
    monkeypatch.setattr(StackSettings, "load", lambda: settings)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    run_launcher = "{module: telemetry_pipeline.orchestration.runtime.launcher, class: PatientRunLauncher}"
    coordinator = "{module: dagster._core.run_coordinator, class: DefaultRunCoordinator}"
    (tmp_path / "dagster.yaml").write_text(
        f"telemetry: {{enabled: false}}\nrun_launcher: {run_launcher}\nrun_coordinator: {coordinator}\n"
        "run_retries: {enabled: true, max_retries: 1}\n"
    )
    return tmp_path


@pytest.fixture
def server(home: Path) -> Iterator[CodeServer]:
    server = CodeServer(home)
    server.start()
    yield server
    server.kill()


@pytest.fixture
def workspace(home: Path, server: CodeServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """What the daemon knows the code server by."""
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    target = GrpcServerTarget(host="127.0.0.1", port=int(server.port), socket=None, location_name=LOCATION)
    with dg.DagsterInstance.get() as instance, WorkspaceProcessContext(instance, target) as context:
        yield context


def make_run(workspace: Any) -> Any:
    request = workspace.create_request_context()
    location = request.get_code_location(LOCATION)
    job = location.get_job(JobSubsetSelector(LOCATION, "__repository__", "telemetry_tick", op_selection=None))
    plan = location.get_execution_plan(job, {}, step_keys_to_execute=None, known_state=None, instance=workspace.instance)
    return workspace.instance.create_run(
        job_name=job.name,
        run_id=None,
        run_config={},
        status=dg.DagsterRunStatus.NOT_STARTED,
        tags={"dagster/partition": "2026-01-02"},
        root_run_id=None,
        parent_run_id=None,
        step_keys_to_execute=None,
        execution_plan_snapshot=plan.execution_plan_snapshot,
        job_snapshot=job.job_snapshot,
        parent_job_snapshot=job.parent_job_snapshot,
        asset_selection=None,
        asset_check_selection=None,
        resolved_op_selection=None,
        op_selection=None,
        remote_job_origin=job.get_remote_origin(),
        job_code_origin=job.get_python_origin(),
        asset_graph=request.asset_graph,
    )


def succeeds(workspace: Any, run_id: str) -> None:
    def ended() -> bool:
        run = workspace.instance.get_run_by_id(run_id)
        return run is not None and run.is_finished

    wait_until(ended, SECONDS)
    assert workspace.instance.get_run_by_id(run_id).status is dg.DagsterRunStatus.SUCCESS


@pytest.mark.slow
def test_a_run_that_is_launched_while_the_code_server_is_restarted_begins_when_it_is_back(
    workspace: Any, server: CodeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "_PATIENCE_SECONDS", 2 * SECONDS)
    run = make_run(workspace)
    server.kill()
    restart = threading.Timer(2, server.start)
    restart.start()
    workspace.instance.submit_run(run.run_id, workspace.create_request_context())
    restart.join()
    succeeds(workspace, run.run_id)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:The 'warn' method:DeprecationWarning")  # of Dagster's daemon
def test_a_run_that_failed_is_retried_when_the_code_server_is_back(workspace: Any, server: CodeServer) -> None:
    """With the daemon's own code: Dagster's retry gives up for good where the code server does not answer at once."""
    daemon, instance = EventLogConsumerDaemon(), workspace.instance
    list(daemon.run_iteration(workspace))
    run = make_run(workspace)
    server.kill()
    instance.report_run_failed(run, "its process is lost")
    restart = threading.Thread(target=server.start)
    signs_of_life = 0
    for _ in daemon.run_iteration(workspace):
        signs_of_life += 1
        if signs_of_life == 4:
            restart.start()
    assert signs_of_life > 3
    restart.join()
    [retry] = [each for each in instance.get_runs() if each.parent_run_id == run.run_id]
    succeeds(workspace, retry.run_id)


@pytest.mark.slow
def test_a_launch_gives_up_when_the_code_server_stays_away(
    workspace: Any, server: CodeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "_PATIENCE_SECONDS", 0.1)
    run = make_run(workspace)
    server.kill()
    with pytest.raises(DagsterLaunchFailedError, match="The code server has not answered"):
        workspace.instance.submit_run(run.run_id, workspace.create_request_context())
    assert workspace.instance.get_run_by_id(run.run_id).status is dg.DagsterRunStatus.FAILURE


def test_neither_definitions_nor_workers_load_what_draws() -> None:
    """It would be 100 MB more in each process, and what starts threads must not be there before a fork."""
    code = "import sys, telemetry_pipeline.orchestration.build; print(*({'altair', 'vl_convert'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"
