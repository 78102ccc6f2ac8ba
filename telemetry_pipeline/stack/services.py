"""What runs beside the servers: simulator, code server, worker, web UI, daemon; how each starts, and when it works.

They speak with each other over the loopback and a Unix socket only.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import signal
import socket
import sys
import time
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar, Literal

import grpc
import kombu.exceptions
import psycopg
from grpc_health.v1 import health_pb2, health_pb2_grpc

import telemetry_pipeline
from telemetry_pipeline.broker import QUEUES, asking_celery
from telemetry_pipeline.client.graphql import NoAnswer
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import StackError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.addresses import celery_url, postgres_url
from telemetry_pipeline.stack.environment import code_socket
from telemetry_pipeline.stack.ports import LOOPBACK, Port, free_port
from telemetry_pipeline.stack.processes import Fault, Service, ServiceEnded, private_directory
from telemetry_pipeline.stack.servers import check_redis

# dagster.yaml and workspace.yaml are at the root of the project, beside the package.
PROJECT = Path(telemetry_pipeline.__file__).resolve().parent.parent

_ANSWER_TIMEOUT_SECONDS = 10.0
# A proxy of the environment has no business between processes of one machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))
# The daemon's heartbeats are 30 s apart. One part of it may be busy for long with a backfill; Dagster gives it half an hour.
_DAEMON_SILENT_SECONDS = 90.0
_DAEMON_PART_SILENT_SECONDS = 600.0
# A round of the watch is seconds, unless channels for alerts do not answer.
_WATCH_SILENT_SECONDS = 300.0

_HEARTBEATS = "select daemon_id, (body::json ->> 'timestamp')::float from daemon_heartbeats order by 2 desc"


@dataclass(frozen=True, kw_only=True)
class SimulatorOptions:
    """The operator that the simulator plays. See ``telemetry-pipeline simulator --help``.

    :ivar end: the last moment of the history; None is the moment of the first start in this home.
    :ivar records: an export to serve in place of a made-up history.
    :ivar live: new records a second, on top; or ``"history"``, as many as in the history, in its rhythm.
    """

    records_count: int = 400_000
    days: int = 90
    end: datetime | None = None
    seed: int = 1
    records: Path | None = None
    live: float | Literal["history"] = "history"


class Simulator(Service):
    """The stand-in for PanAccess."""

    name = "simulator"
    title = "the simulator"
    start_timeout_seconds: ClassVar[float] = 300.0  # millions of records may have to be made up or read

    def __init__(self, home: Path, environment: Mapping[str, str], options: SimulatorOptions) -> None:
        super().__init__(home, environment)
        self.options = options
        self.port: Port = free_port()

    @property
    def url(self) -> str:
        """What takes the place of PANACCESS_URL."""
        return f"http://{LOOPBACK}:{self.port}/"

    def command(self) -> Sequence[str | Path]:
        """The project's own command."""
        options = self.options
        data: list[str | Path] = ["--records-count", str(options.records_count), "--days", str(options.days)]
        data += ["--seed", str(options.seed)]
        if options.end is not None:
            data += ["--end", f"{options.end.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"]
        if options.records is not None:
            data = ["--records", options.records.expanduser().resolve()]
        program = [sys.executable, "-m", "telemetry_pipeline", "simulator"]
        return [*program, "--host", LOOPBACK, "--port", str(self.port), "--live", str(options.live), *data]

    def is_ready(self) -> bool:
        """Does it answer?"""
        return _answers(f"{self.url}health")


class DagsterMigration(Service):
    """Brings Dagster's own tables up to date, and ends."""

    name = "dagster-migration"
    title = "the migration of Dagster's tables"

    def command(self) -> Sequence[str | Path]:
        """Dagster's own command; safe at every start."""
        return [sys.executable, "-m", "dagster", "instance", "migrate"]

    def is_ready(self) -> bool:
        """Has it ended well?"""
        return self.exit_status == 0

    def await_ready(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Wait for its end.

        :raises ServiceEnded: it failed.
        :raises StackError: it did not end.
        """
        for _ in polling(self.start_timeout_seconds):
            if self.exit_status is not None:
                if not self.is_ready():
                    raise ServiceEnded(f"{self.title} failed. {self.log_tail()}")
                return
            meanwhile()
        raise StackError(f"{self.title} did not end. {self.log_tail()}")


class CodeServer(Service):
    """Serves the definitions, and launches the processes of runs."""

    name = "code-server"
    title = "the code server"
    # While a run is at work it waits for it. The runs have been cancelled by then.
    stop_signals = ((signal.SIGTERM, 3.0),)

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        super().__init__(home, environment)
        self.socket = code_socket(self.home)
        # Dagster puts what a file .env in the working directory says into its environment.
        self.directory = self.home

    def command(self) -> Sequence[str | Path]:
        """Of one process; that of Dagster's ``code-server start`` outlives the one that does the work."""
        program = [sys.executable, "-m", "telemetry_pipeline.orchestration.runtime.code_server"]
        options: list[str | Path] = ["--module-name", "telemetry_pipeline.definitions", "--socket", self.socket]
        return [*program, *options, *_log_format(self._environment)]

    def prepare(self) -> None:
        """Close the socket's directory to others: whoever reaches it can launch what they like."""
        private_directory(self.socket.parent, None)

    def is_ready(self) -> bool:
        """Does it answer, with the code loaded?"""
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            request = health_pb2.HealthCheckRequest(service="DagsterApi")
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=_ANSWER_TIMEOUT_SECONDS)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class Worker(Service):
    """The Celery worker that executes the steps."""

    name = "worker"
    title = "the worker"
    # A warm shutdown waits for the steps at hand; a cold one gives them back to the broker.
    stop_signals = ((signal.SIGTERM, 3.0), (signal.SIGQUIT, 3.0))

    def __init__(self, home: Path, environment: Mapping[str, str], concurrency: int) -> None:
        super().__init__(home, environment)
        self.concurrency = concurrency
        digest = hashlib.sha256(os.fsencode(self.home)).hexdigest()[:8]
        self.node = f"telemetry-{digest}@{socket.gethostname()}"

    def command(self) -> Sequence[str | Path]:
        """Celery's own command."""
        program = [
            sys.executable,
            "-m",
            "celery",
            "-A",
            "telemetry_pipeline.orchestration.runtime.celery_app",
            "worker",
        ]
        # One worker has nobody to gossip with, and mingling costs it a second.
        options = ["-Q", ",".join(QUEUES), "--loglevel", "INFO", "--without-gossip", "--without-mingle"]
        return [*program, *options, "--concurrency", str(self.concurrency), "-n", self.node]

    def is_ready(self) -> bool:
        """Does it answer over the broker?"""
        try:
            return self._answers(0.5)
        except kombu.exceptions.OperationalError:
            return False

    def is_healthy(self) -> bool:
        """Does it? Whether it does cannot be told while the broker does not answer, which is not the worker's fault."""
        try:
            check_redis(self._environment["REDIS_URL"])
            return self._answers(_ANSWER_TIMEOUT_SECONDS)
        except (StackError, kombu.exceptions.OperationalError):
            return True

    def _answers(self, seconds: float) -> bool:
        with asking_celery(self._environment["REDIS_URL"], _ANSWER_TIMEOUT_SECONDS) as app:
            return bool(app.control.ping(destination=[self.node], timeout=seconds))


class Webserver(Service):
    """The web UI and its GraphQL interface."""

    name = "webserver"
    title = "the web UI"

    def __init__(self, home: Path, environment: Mapping[str, str], port: Port) -> None:
        super().__init__(home, environment)
        self.port: Port = port

    @property
    def url(self) -> str:
        """For a browser."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def client(self) -> TelemetryClient:
        """What is asked of it."""
        return TelemetryClient(f"{self.url}/graphql", _ANSWER_TIMEOUT_SECONDS)

    def command(self) -> Sequence[str | Path]:
        """The project's own command, which guards Dagster's."""
        program: list[str | Path] = [sys.executable, "-m", "telemetry_pipeline", "webserver"]
        return [*program, "--workspace", PROJECT / "workspace.yaml", "--host", LOOPBACK, "--port", str(self.port)]

    def is_ready(self) -> bool:
        """Does it answer, with the code loaded?

        :raises StackError: the code cannot be loaded.
        """
        try:
            return self.client.code_is_loaded()
        except NoAnswer:
            return False

    def is_healthy(self) -> bool:
        """Does it answer what needs neither the database nor the code?"""
        return _answers(f"{self.url}/server_info")


class Daemon(Service):
    """Runs schedules and sensors, and watches over runs."""

    name = "daemon"
    title = "the daemon"

    def __init__(self, home: Path, environment: Mapping[str, str], client: TelemetryClient) -> None:
        super().__init__(home, environment)
        self._client = client

    def command(self) -> Sequence[str | Path]:
        """Dagster's own command."""
        program: list[str | Path] = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", PROJECT / "workspace.yaml"]
        return [*program, *_log_format(self._environment)]

    def is_ready(self) -> bool:
        """Does the web UI see the heartbeats of all its parts?"""
        try:
            return not self._client.health().silent_daemons
        except NoAnswer:
            return False

    def fault(self) -> Fault | None:
        """Is it silent, or a part of it? It cannot be told without the database, which is not the daemon's fault."""
        try:
            with psycopg.connect(postgres_url(self._environment["DAGSTER_DATABASE_URL"]), connect_timeout=5) as connection:
                beats = connection.execute(_HEARTBEATS).fetchall()
        except psycopg.Error:
            return None
        ages = [time.time() - moment for process, moment in beats if process == beats[0][0]]
        if not ages or ages[0] > _DAEMON_SILENT_SECONDS:
            return Fault("it gives no sign of life", patience_seconds=10)
        if ages[-1] > _DAEMON_PART_SILENT_SECONDS:
            return Fault("a part of it gives no sign of life", patience_seconds=10)
        return None


class Watch(Service):
    """Notices what has died, and sends alerts."""

    name = "watch"
    title = "the watch"

    def command(self) -> Sequence[str | Path]:
        """The project's own command."""
        return [sys.executable, "-m", "telemetry_pipeline", "watch"]

    def is_ready(self) -> bool:
        """Nobody asks it anything."""
        return True

    def is_healthy(self) -> bool:
        """Did it leave a sign of life after a round?"""
        try:
            return time.time() - sign_of_life(self.home).stat().st_mtime < _WATCH_SILENT_SECONDS
        except FileNotFoundError:
            return False


class Flower(Service):
    """The workers' own web UI: which steps they execute, and which wait. For one user, ``operator``, with a password."""

    name = "flower"
    title = "Flower"
    user_name: ClassVar[str] = "operator"

    def __init__(self, home: Path, redis_url: str, password: str | None, port: Port) -> None:
        self.password_file = None if password else home / "flower-password"
        environment = {
            "PATH": os.environ.get("PATH", os.defpath),
            "FLOWER_REDIS_URL": celery_url(redis_url),
            "FLOWER_PASSWORD": password or _kept_password(home / "flower-password"),
        }
        super().__init__(home, environment)
        self.port: Port = port

    @property
    def url(self) -> str:
        """For a browser."""
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str | Path]:
        """Celery's own command; without the pipeline's code, which would take five times the memory."""
        options = [f"--conf={PROJECT / 'flowerconfig.py'}", f"--address={LOOPBACK}", f"--port={self.port}"]
        return [sys.executable, "-m", "celery", "flower", *options]

    def is_ready(self) -> bool:
        """Does it answer?"""
        return _answers(f"{self.url}/healthcheck")


def sign_of_life(home: Path) -> Path:
    """The file that the watch touches after each round."""
    return home / "watch.alive"


def _answers(url: str) -> bool:
    try:
        _DIRECT.open(url, timeout=_ANSWER_TIMEOUT_SECONDS).close()
    except OSError:
        return False
    return True


def _log_format(environment: Mapping[str, str]) -> Sequence[str]:
    """The option of Dagster's own processes that goes with LOG_FORMAT."""
    return ["--log-format", "json" if environment.get("LOG_FORMAT") == "json" else "colored"]


def _kept_password(path: Path) -> str:
    """Made up at the first start, and kept for the operator's eyes only."""
    with suppress(FileExistsError), os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secrets.token_urlsafe(24))
    return path.read_text()
