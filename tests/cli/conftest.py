from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cli.harness import FakeWebserver, Outcome

from telemetry_pipeline.cli.graphql import DagsterApi
from telemetry_pipeline.cli.main import main
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.settings import StackSettings
from telemetry_pipeline.stack.processes import make_home
from telemetry_pipeline.stack.servers import free_port
from telemetry_pipeline.stack.state import HomeLock, StackState, write_state

PROJECT = Path(__file__).parents[2]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty TELEMETRY_HOME, and an environment and working directory without any other setting."""
    for name in StackSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TELEMETRY_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def cli(home: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Calls the program in this process."""

    def call(*arguments: str) -> Outcome:
        capfd.readouterr()
        status = main(arguments)
        captured = capfd.readouterr()
        return Outcome(status, captured.out, captured.err)

    return call


@pytest.fixture
def announce(home: Path) -> Iterator[Callable[..., None]]:
    """Makes the test pass for a running stack whose web server is at some URL."""
    locks = []

    def announce(webserver_url: str, **urls: str) -> None:
        make_home(home)
        locks.append(HomeLock.acquire(home))
        nowhere = "postgresql://telemetry:sesame@127.0.0.1:9/telemetry"
        known = {
            "database_url": nowhere,
            "dagster_database_url": nowhere,
            "redis_url": "redis://:sesame@127.0.0.1:9/0",
            "panaccess_url": "http://127.0.0.1:9/",
        }
        write_state(
            home,
            StackState(
                pid=os.getpid(),
                started_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
                webserver_url=webserver_url,
                graphql_url=f"{webserver_url}/graphql",
                processes={},
                **(known | urls),
            ),
        )

    yield announce
    for lock in locks:
        lock.release()


@pytest.fixture
def webserver() -> Iterator[FakeWebserver]:
    """A web server without Dagster, for answers that a real one gives rarely."""
    fake = FakeWebserver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            operation = request["query"].split("(")[0].split("{")[0].split()[-1]
            status, text = fake.answer(operation, request["variables"])
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
    yield fake
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def dagster_webserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """URL of a real webserver with the definitions of ``toy_pipeline``."""
    directory = tmp_path_factory.mktemp("dagster")
    coordinator = "{module: dagster._core.run_coordinator, class: DefaultRunCoordinator}"
    (directory / "dagster.yaml").write_text(f"telemetry: {{enabled: false}}\nrun_coordinator: {coordinator}\n")
    toy = Path(__file__).with_name("toy_pipeline.py")
    (directory / "workspace.yaml").write_text(
        f"load_from:\n  - python_file: {{relative_path: {toy}, location_name: telemetry_pipeline}}\n"
    )
    port = free_port()
    command = [sys.executable, "-m", "dagster_webserver", "-h", "127.0.0.1", "-p", str(port), "-w", "workspace.yaml"]
    environment = os.environ | {"DAGSTER_HOME": str(directory), "PYTHONPATH": str(PROJECT)}
    url = f"http://127.0.0.1:{port}"
    with (
        (directory / "log").open("wb") as log,
        _process(command, cwd=directory, env=environment, stdout=log) as process,
    ):
        api = DagsterApi(f"{url}/graphql", timeout_seconds=10)
        deadline = time.monotonic() + 60
        while True:
            try:
                api.wait_for_code(30)
                break
            except StackError:
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
