"""A message to the code server that brings an instance of its own, such as one that runs a command when it is made."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from dagster._core.errors import DagsterUserCodeUnreachableError
from dagster._core.instance.ref import InstanceRef
from dagster._core.remote_origin import GrpcServerCodeLocationOrigin, RemoteJobOrigin, RemoteRepositoryOrigin
from dagster._grpc.__generated__ import dagster_api_pb2
from dagster._grpc.client import DagsterGrpcClient
from dagster._grpc.types import ExecuteExternalJobArgs, ExternalScheduleExecutionArgs, SensorExecutionArgs
from dagster._serdes import ConfigurableClassData
from dagster_shared.serdes import serialize_value
from terminal import wait_until

COMMAND = [sys.executable, "-m", "telemetry_pipeline.orchestration.runtime.code_server"]
DEFINITIONS = """
import dagster as dg

@dg.op
def nothing(): pass

@dg.job
def job(): nothing()

@dg.sensor(job=job)
def sensor(context): return dg.SkipReason(f"in {context.instance.root_directory}")

@dg.schedule(job=job, cron_schedule="@daily", execution_timezone="UTC")
def schedule(context): return dg.SkipReason(f"in {context.instance.root_directory}")

defs = dg.Definitions(jobs=[job], sensors=[sensor], schedules=[schedule])
"""
RUN = "00000000-0000-0000-0000-000000000001"


pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def server(home: Path) -> Iterator[DagsterGrpcClient]:
    """The code server of a few definitions; whatever is forged leaves the file ``trace``."""
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    (home / "definitions.py").write_text(DEFINITIONS)
    temporary = home / ("t" * 100)  # in which no socket can be
    temporary.mkdir()
    environment = os.environ | {
        "DAGSTER_HOME": str(home),
        "TMPDIR": str(temporary),
        "TRACE": str(home / "trace"),
        "PYTHONPATH": f"{Path(__file__).parents[2]}:{Path(__file__).parents[1] / 'support'}",
    }
    options = ["--python-file", str(home / "definitions.py"), "--socket", str(home / "socket")]
    client = DagsterGrpcClient(socket=str(home / "socket"))

    def answers() -> bool:
        with suppress(DagsterUserCodeUnreachableError):
            return bool(client.ping("")["echo"] == "")
        return False

    with (home / "log").open("wb") as log:
        process = subprocess.Popen([*COMMAND, *options], cwd=home, env=environment, stdout=log, stderr=log)
    wait_until(answers, seconds=60)
    yield client
    process.kill()
    process.wait()


def forged(home: Path) -> InstanceRef:
    return InstanceRef.from_dir(str(home))._replace(
        local_artifact_storage_data=ConfigurableClassData("forgery", "Forged", "{}")
    )


def origin() -> RemoteRepositoryOrigin:
    return RemoteRepositoryOrigin(GrpcServerCodeLocationOrigin(host="localhost", socket="any"), "__repository__")


def test_a_run_is_of_the_code_servers_own_instance(server: DagsterGrpcClient, home: Path) -> None:
    arguments = ExecuteExternalJobArgs(job_origin=RemoteJobOrigin(origin(), "job"), run_id=RUN, instance_ref=forged(home))
    answer = ask(server, "StartRun", "StartRunRequest", serialized_execute_run_args=serialize_value(arguments))
    assert not (home / "trace").exists()
    assert "could not load run" in answer.serialized_start_run_result


def ask(server: DagsterGrpcClient, name: str, kind: str, **fields: Any) -> Any:
    """As anybody would who has the socket; Dagster's own client makes the instance itself."""
    return server._query(name, getattr(dagster_api_pb2, kind), **fields)


def test_a_sensor_and_a_schedule_look_at_the_code_servers_own_instance(server: DagsterGrpcClient, home: Path) -> None:
    at: dict[str, Any] = {"repository_origin": origin(), "instance_ref": forged(home), "log_key": None}
    of_sensor = SensorExecutionArgs(
        sensor_name="sensor", last_tick_completion_time=None, last_run_key=None, cursor=None, timeout=None, **at
    )
    assert f"in {home}" in server.external_sensor_execution(of_sensor)
    of_schedule = ExternalScheduleExecutionArgs(
        schedule_name="schedule", scheduled_execution_timestamp=0.0, scheduled_execution_timezone="UTC", timeout=None, **at
    )
    assert f"in {home}" in server.external_schedule_execution(of_schedule)
    assert not (home / "trace").exists()
