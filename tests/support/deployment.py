"""What compose would start, started without a container engine: each process in a home of its own."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from datetime import datetime
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import requests
from compose import DOCKER, Container, Machine, Spec, env_file, interpolated, load
from terminal import OPERATOR_ZONE, wait_until

from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.valkey import LocalValkey

LAUNCH = """
mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on PythonError { message } ... on LaunchRunSuccess { run { runId } } } }
"""


class Postgres(LocalPostgres):
    """With the options that compose gives it, over TCP, and with passwords asked for as in the image."""

    def __init__(self, home: Path, options: list[str]) -> None:
        super().__init__(home)
        self.tcp_port = free_port()
        self.programs = Path(super().command()[0]).parent
        self._options = options

    def command(self) -> list[str | Path]:
        access = self.socket_directory / "access.conf"
        access.write_text("local all all trust\nhost all all all scram-sha-256\n")
        own = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.tcp_port),
            "unix_socket_directories": str(self.socket_directory),
            "dynamic_shared_memory_type": "mmap",
            "hba_file": str(access),
        }
        return [
            self.programs / "postgres",
            *self._options,
            "-D",
            self.data,
            *(part for name, value in own.items() for part in ("-c", f"{name}={value}")),
        ]

    @property
    def url(self) -> str:
        return super().url.replace("port=5432", f"port={self.tcp_port}")


class Valkey(LocalValkey):
    """With the arguments and the configuration file that compose gives it."""

    def __init__(self, home: Path, arguments: list[str]) -> None:
        super().__init__(home)
        self.configuration = home / "valkey.conf"
        self._arguments = arguments

    def command(self) -> list[str | Path]:
        own = ["--bind", "127.0.0.1", "--port", str(self.port), "--dir", str(self.home / "valkey")]
        # Not in its title: processes are found by their environments, which a title overwrites.
        return [super().command()[0], self.configuration, *self._arguments, *own, "--set-proc-title", "no"]

    def standard_input(self) -> None:  # type: ignore[override]
        return None

    @property
    def url(self) -> str:
        password = self.configuration.read_text().split()[1]
        return f"redis://:{password}@127.0.0.1:{self.port}/0"


class Deployment:
    """Every service of compose.yaml, and a second worker for analyses as compose.worker.yaml has it."""

    def __init__(self, folder: Path, upstream: SimulatorServer, running: ExitStack) -> None:
        compose = load("compose.yaml")["services"]
        self.postgres = Postgres(folder / "postgres", arguments_of(compose["postgres"]))
        self.valkey = Valkey(folder / "valkey", arguments_of(compose["valkey"])[1:])
        self.port = free_port()
        replaced = {
            "postgres:5432": f"127.0.0.1:{self.postgres.tcp_port}",
            "valkey:6379": f"127.0.0.1:{self.valkey.port}",
            "0.0.0.0": "127.0.0.1",
            "3000": str(self.port),
        }
        settings = env_file((DOCKER / "settings.env.example").read_text()) | {
            "PANACCESS_URL": upstream.url,
            "PANACCESS_USERNAME": "simulator",
            # One run alone: nothing is due, and no day before today is there to be computed anew.
            "FIRST_PARTITION": datetime.now(OPERATOR_ZONE).date().isoformat(),
            **dict.fromkeys(("TICK_CRON", "REPAIR_CRON", "MERGE_CRON", "CLEANUP_CRON"), "0 0 29 2 *"),
        }
        path = f"{self.postgres.programs}:{os.environ['PATH']}"
        self.machine = Machine(folder / "machine", replaced, settings, path)
        for name in ("panaccess_password", "panaccess_api_token", "panaccess_salt"):
            (self.machine.secrets / f"{name}.txt").write_text("simulator\n")
        self.valkey.home.mkdir(parents=True)
        self.valkey.configuration.write_bytes((self.machine.secrets / "valkey_conf.txt").read_bytes())
        for server in (self.postgres, self.valkey):
            running.callback(server.stop)
            server.start()
        self._create_databases()

        compose = {name: spec for name, spec in compose.items() if name not in ("postgres", "valkey")}
        [worker] = load("compose.worker.yaml")["services"].values()
        self.services = {name: Container(self.machine, name, spec) for name, spec in compose.items()}
        self.services["elsewhere"] = Container(self.machine, "elsewhere", worker, folder / "volumes-elsewhere")
        running.callback(self._stop)
        for service in self.services.values():
            self._await_those_before(service)
            service.start()
        for service in self.services.values():
            if service.name != "migrate":
                self._await(service.name, service.is_healthy)

    @cached_property
    def tokens(self) -> dict[str, str]:
        """By role."""
        made = {}
        for role in ("operator", "viewer"):
            done = self.services["worker-ingest"].execute(
                "entrypoint", "telemetry-pipeline", "tokens", "add", f"test-{role}", "--role", role
            )
            assert done.returncode == 0, done.stderr
            made[role] = done.stdout.strip()
        return made

    def get(self, path: str, role: str = "") -> requests.Response:
        """What the front door has."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"} if role else {}
        return requests.get(f"http://127.0.0.1:{self.port}{path}", headers=headers, timeout=60)

    def sends(self, role: str, query: str, **variables: Any) -> requests.Response:
        """GraphQL, by the front door."""
        headers = {"Authorization": f"Bearer {self.tokens[role]}"}
        url = f"http://127.0.0.1:{self.port}/dagster/graphql"
        return requests.post(url, json={"query": query, "variables": variables}, headers=headers, timeout=60)

    def asks(self, query: str, **variables: Any) -> dict[str, Any]:
        """GraphQL, as an operator."""
        data: dict[str, Any] = self.sends("operator", query, **variables).json()["data"]
        return data

    def launches_a_tick(self, role: str) -> requests.Response:
        today = datetime.now(OPERATOR_ZONE).date().isoformat()
        return self.sends(
            role,
            LAUNCH,
            params={
                "selector": {
                    "repositoryLocationName": "telemetry_pipeline",
                    "repositoryName": "__repository__",
                    "jobName": "telemetry_tick",
                },
                "runConfigData": {},
                "mode": "default",
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": today}]},
            },
        )

    def secret(self, name: str) -> str:
        return (self.machine.secrets / f"{name}.txt").read_text().strip()

    def _stop(self) -> None:
        self.machine.stop()
        for service in self.services.values():
            service.stop()

    def _create_databases(self) -> None:
        surroundings = {
            "PATH": self.machine.path,
            "PGHOST": str(self.postgres.socket_directory),
            "PGPORT": str(self.postgres.tcp_port),
            "SECRETS_DIRECTORY": str(self.machine.secrets),
        }
        subprocess.run([DOCKER / "create-databases.sh"], env=surroundings, check=True, capture_output=True)

    def _await_those_before(self, service: Container) -> None:
        conditions: Mapping[str, Spec] = service.spec.get("depends_on", {})
        for name, wanted in conditions.items():
            if name in self.services:
                before = self.services[name]
                done = wanted["condition"] == "service_completed_successfully"
                self._await(name, partial(_ended_well, before) if done else before.is_healthy)

    def _await(self, name: str, condition: Callable[[], bool]) -> None:
        service = self.services[name]

        def is_so() -> bool:
            assert service.exit_status is None or name == "migrate", f"it ended with status {service.exit_status}"
            return condition()

        try:
            wait_until(is_so, seconds=120)
        except AssertionError as err:
            raise AssertionError(f"{name}: {err}; {service.log.read_text()[-3000:]}") from None


def _ended_well(service: Container) -> bool:
    return service.exit_status == 0


def arguments_of(spec: Spec) -> list[str]:
    return [interpolated(word) for word in spec["command"][1:]]
