"""What runs beside the servers: simulator, code server, worker, web UI, daemon; how each starts, and when it works.

They speak with each other over the loopback and a Unix socket only.
"""

from __future__ import annotations

import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import grpc
import psycopg
import requests
from grpc_health.v1 import health_pb2, health_pb2_grpc

from telemetry_pipeline.client.graphql import open_session
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import ServiceEnded, StackError, WebserverUnavailable
from telemetry_pipeline.monitoring.components import DAEMON_SILENT_SECONDS
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.addresses import postgres_url
from telemetry_pipeline.sockets import OPERATORS, VIEWERS, address, divided
from telemetry_pipeline.stack.environment import FILES, code_socket
from telemetry_pipeline.stack.processes.service import Fault, Service, private_directory

ANSWER_TIMEOUT_SECONDS = 10.0

# One part of the daemon may be busy for long with a backfill; Dagster gives it half an hour. It is told of earlier.
_RESTARTED_PART_SILENT_SECONDS = 600.0

_HEARTBEATS = "select daemon_id, (body::json ->> 'timestamp')::float from daemon_heartbeats order by 2 desc"


class DagsterMigration(Service):
    """Brings Dagster's own tables up to date, and ends."""

    name = "dagster-migration"
    title = "the migration of Dagster's tables"

    def command(self) -> Sequence[str | Path]:
        """Return Dagster's own command; it is safe at every start."""
        return [sys.executable, "-m", "dagster", "instance", "migrate"]

    def is_ready(self) -> bool:
        """Return whether it ended well."""
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
        """Return a command of one process; that of Dagster's ``code-server start`` outlives the one that does the work."""
        program = [sys.executable, "-m", "telemetry_pipeline.orchestration.runtime.code_server"]
        options: list[str | Path] = ["--module-name", "telemetry_pipeline.definitions", "--socket", self.socket]
        return [*program, *options, *_log_format(self._environment)]

    def prepare(self) -> None:
        """Close the socket's directory to others: whoever reaches it can launch what they like."""
        private_directory(self.socket.parent, None)

    def is_ready(self) -> bool:
        """Return whether it answers, with the code loaded."""
        with grpc.insecure_channel(f"unix:{self.socket}") as channel:
            request = health_pb2.HealthCheckRequest(service="DagsterApi")
            try:
                answer = health_pb2_grpc.HealthStub(channel).Check(request, timeout=ANSWER_TIMEOUT_SECONDS)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


class Webserver(Service):
    """Dagster's web UI and its GraphQL interface, behind the front door."""

    name = "webserver"
    title = "Dagster's web server"

    def __init__(self, home: Path, environment: Mapping[str, str], sockets: Path) -> None:
        super().__init__(home, environment)
        self.sockets = sockets

    @property
    def url(self) -> str:
        """For processes of this user."""
        return address(self.sockets)

    @property
    def client(self) -> TelemetryClient:
        """What is asked of it."""
        return TelemetryClient(f"{self.url}/graphql", ANSWER_TIMEOUT_SECONDS)

    def command(self) -> Sequence[str | Path]:
        """Return the project's own command, which serves Dagster's."""
        program: list[str | Path] = [sys.executable, "-m", "telemetry_pipeline", "webserver"]
        return [*program, "--workspace", FILES / "workspace.yaml", "--sockets", self.sockets]

    def is_ready(self) -> bool:
        """Return whether it answers, with the code loaded.

        :raises StackError: the code cannot be loaded.
        """
        try:
            return self.client.code_is_loaded()
        except WebserverUnavailable:
            return False

    def is_healthy(self) -> bool:
        """Return whether it answers what needs neither the database nor the code, to operators and to viewers."""
        return all(answers(f"{address(self.sockets, name)}/server_info") for name in (OPERATORS, VIEWERS))


class Daemon(Service):
    """Runs schedules and sensors, and watches over runs."""

    name = "daemon"
    title = "the daemon"

    def __init__(self, home: Path, environment: Mapping[str, str], client: TelemetryClient) -> None:
        super().__init__(home, environment)
        self._client = client

    def command(self) -> Sequence[str | Path]:
        """Return Dagster's own command."""
        program: list[str | Path] = [sys.executable, "-m", "dagster._daemon", "run", "--workspace", FILES / "workspace.yaml"]
        return [*program, *_log_format(self._environment)]

    def is_ready(self) -> bool:
        """Return whether the web UI sees the heartbeats of all its parts."""
        try:
            return not self._client.health().silent_daemons
        except WebserverUnavailable:
            return False

    def fault(self) -> Fault | None:
        """Return what is wrong when it or a part is silent. None without the database, which is not the daemon's fault."""
        try:
            with psycopg.connect(postgres_url(self._environment["DAGSTER_DATABASE_URL"]), connect_timeout=5) as connection:
                beats = connection.execute(_HEARTBEATS).fetchall()
        except psycopg.Error:
            return None
        ages = [time.time() - moment for process, moment in beats if process == beats[0][0]]
        if not ages or ages[0] > DAEMON_SILENT_SECONDS:
            return Fault("it gives no sign of life", patience_seconds=10)
        if ages[-1] > _RESTARTED_PART_SILENT_SECONDS:
            return Fault("a part of it gives no sign of life", patience_seconds=10)
        return None


def answers(url: str) -> bool:
    """Return whether a web server does, within its time."""
    socket, where = divided(url)
    with open_session(socket) as session:
        try:
            with session.get(where, timeout=ANSWER_TIMEOUT_SECONDS, stream=True) as answer:
                return answer.ok
        except requests.RequestException:
            return False


def _log_format(environment: Mapping[str, str]) -> Sequence[str]:
    """Return the option of Dagster's own processes that goes with LOG_FORMAT."""
    return ["--log-format", "json" if environment.get("LOG_FORMAT") == "json" else "colored"]
