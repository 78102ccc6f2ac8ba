"""Web servers with GraphQL for tests: one that says what a test wants, and a real one over the toy pipeline."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import WebserverError
from telemetry_pipeline.sockets import address
from telemetry_pipeline.stack.environment import web_sockets
from telemetry_pipeline.stack.processes.ports import free_port

# What a web server answers to the question whether the pipeline's code is loaded.
LOADED = {
    "workspaceOrError": {
        "__typename": "Workspace",
        "locationEntries": [
            {
                "name": "telemetry_pipeline",
                "loadStatus": "LOADED",
                "locationOrLoadError": {"__typename": "RepositoryLocation"},
            }
        ],
    },
}


LOADING = {"workspaceOrError": {"__typename": "Workspace", "locationEntries": []}}
LAUNCHED = {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "id-of-the-run"}}}
# What it answers when a test says nothing of it.
NO_CHECKS = {"repositoryOrError": {"__typename": "Repository", "assetNodes": []}}


def asset_node(name: str, group: str, kinds: list[str], *jobs: str, newest: str = "2026-11-21") -> dict[str, Any]:
    """An asset that can be launched, alone and by some jobs."""
    partitions = {"results": [newest]}
    return {
        "assetKey": {"path": [name]},
        "opName": group if "duckdb" in kinds else name,
        "groupName": group,
        "kinds": kinds,
        "jobNames": list(jobs),
        "partitionKeyConnection": partitions,
    }


# What a web server answers to the question what can be launched.
TARGETS = {
    "repositoryOrError": {
        "__typename": "Repository",
        "jobs": [
            {"name": "__ASSET_JOB"},
            {"name": "telemetry_cleanup"},
            {"name": "telemetry_range"},
            {"name": "telemetry_tick"},
        ],
        "assetNodes": [
            asset_node(name, group, kinds, "__ASSET_JOB", "telemetry_range", "telemetry_tick")
            for name, group, kinds in (
                ("full_analysis", "documents", ["json"]),
                ("ott_views", "telemetry", ["postgres"]),
                ("top_channels", "general", ["duckdb", "postgres"]),
            )
        ],
    },
}


def launched(webserver: FakeWebserver) -> dict[str, Any]:
    """What it was asked to launch, once."""
    params: dict[str, Any]
    [params] = [variables["params"] for operation, variables in webserver.asked if operation == "Launch"]
    return params


def run_answer(run_id: str = "id-of-the-run", status: str = "SUCCESS", **more: Any) -> dict[str, Any]:
    """A run of one tick, from 21:53:43.5 to 21:53:53 on 2026-11-20 in Mexico City."""
    return {
        "__typename": "Run",
        "runId": run_id,
        "jobName": "telemetry_tick",
        "status": status,
        "creationTime": 1_795_233_221.0,
        "startTime": 1_795_233_223.5,
        "endTime": 1_795_233_233.0,
        "parentRunId": None,
        "tags": [{"key": "dagster/partition", "value": "2026-11-20"}],
        "assetSelection": None,
        **more,
    }


@dataclass
class FakeWebserver:
    """Answers each GraphQL operation with what the test put there; what it was asked is in ``asked``.

    :ivar answers: operation name to data, to a function from variables to data, or to ``(HTTP status, text)``; and paths
        that are got, to the last.
    :ivar authorizations: by whom it was asked.
    """

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    url: str = ""

    def answer(self, operation: str, variables: dict[str, Any]) -> tuple[int, str]:
        self.asked.append((operation, variables))
        answer = self.answers[operation] if operation != "Checks" else self.answers.get(operation, NO_CHECKS)
        if callable(answer):
            answer = answer(variables)
        return answer if isinstance(answer, tuple) else (200, json.dumps({"data": answer}))


@contextmanager
def fake_webserver() -> Iterator[FakeWebserver]:
    """A web server without Dagster, for answers that a real one gives rarely."""
    fake = FakeWebserver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = request["query"].split("(")[0].split("{")[0].split()[-1]
            fake.authorizations.append(self.headers.get("Authorization"))
            self._say(*fake.answer(operation, request["variables"]))

        def do_GET(self) -> None:
            fake.authorizations.append(self.headers.get("Authorization"))
            self._say(*fake.answers[self.path])

        def _say(self, status: int, text: str) -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            """A client that leaves in the middle is what some tests are about."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    fake.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield fake
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def toy_webserver(directory: Path, *, bare: bool = False) -> Iterator[str]:
    """Address of a real webserver with the definitions of ``toy_pipeline``: of its socket for operators.

    :param bare: Dagster's own at a port, for what it would do without a door before it.
    """
    coordinator = "{module: dagster._core.run_coordinator, class: DefaultRunCoordinator}"
    (directory / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\nrun_coordinator: {coordinator}\n")
    toy = Path(__file__).with_name("toy_pipeline.py")
    (directory / "workspace.yaml").write_text(
        f"load_from:\n  - python_file: {{relative_path: {toy}, location_name: telemetry_pipeline}}\n"
    )
    port = free_port()
    sockets = web_sockets(directory)
    url = f"http://127.0.0.1:{port}/dagster" if bare else address(sockets)
    own = ["telemetry_pipeline", "webserver", "--sockets", str(sockets)]
    dagsters = ["dagster_webserver", "--host", "127.0.0.1", "--port", str(port), "--path-prefix", "/dagster"]
    command = [sys.executable, "-m", *(dagsters if bare else own), "--workspace", "workspace.yaml"]
    environment = os.environ | {"DAGSTER_HOME": str(directory), "PYTHONPATH": str(Path(__file__).parents[2])}
    with (
        (directory / "log").open("wb") as log,
        _process(command, cwd=directory, env=environment, stdout=log) as process,
    ):
        client = TelemetryClient(f"{url}/graphql", timeout_seconds=10)
        deadline = time.monotonic() + 180
        while True:
            try:
                client.wait_for_code(30)
                break
            except WebserverError:
                if process.poll() is not None or time.monotonic() > deadline:
                    pytest.fail((directory / "log").read_text())
                time.sleep(0.1)
        yield url


@contextmanager
def _process(command: list[str], **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, stderr=subprocess.STDOUT, start_new_session=True, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
