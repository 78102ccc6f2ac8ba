"""Real services that do not work are started again, and those that only wait are left in peace."""

from __future__ import annotations

import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from terminal import wait_until

from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.stack.processes.service import Fault, Service
from telemetry_pipeline.stack.processes.supervision import Supervisor
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.workers import Worker


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture
def home() -> Iterator[Path]:
    """Not in pytest's directory: another session of pytest closes that to the user that PostgreSQL runs as under root."""
    with tempfile.TemporaryDirectory(prefix="telemetry-") as directory:
        yield Path(directory)


def heals(service: Service, seconds: float = 120) -> None:
    """Have it supervised until it was stopped, was started again, and works."""
    supervisor = Supervisor(print)
    supervisor.add(service)
    before = service.pid
    try:
        wait_until(lambda: [supervisor.tend()] and service.pid not in (None, before) and service.is_ready(), seconds=seconds)
    finally:
        supervisor.close()


@pytest.mark.slow
def test_a_postgresql_that_waits_for_its_clients_to_go_is_shut_down_and_started(home: Path, running: ExitStack) -> None:
    """SIGTERM is a smart shutdown: no new connection, and no end as long as pools keep theirs."""
    server = LocalPostgres(home)
    running.callback(server.stop)
    server.start()
    with psycopg.connect(server.url, autocommit=True) as pooled:
        pooled.execute("create table kept as select 1 as one")
        assert server.pid is not None
        psutil.Process(server.pid).send_signal(signal.SIGTERM)
        wait_until(lambda: not server.is_ready(), seconds=60)
        heals(server)
    with psycopg.connect(server.url) as connection:
        assert connection.execute("select one from kept").fetchone() == (1,)


def test_a_postgresql_that_recovers_or_has_too_many_clients_is_left_in_peace(home: Path, running: ExitStack) -> None:
    server = LocalPostgres(home)
    running.callback(server.stop)
    server.start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("alter system set superuser_reserved_connections = 0")
        connection.execute("alter system set reserved_connections = 0")
    server.stop()
    server.command = lambda: [*LocalPostgres.command(server), "-c", "max_connections=4"]  # type: ignore[method-assign]
    server.start()
    for _ in range(4):
        running.callback(psycopg.connect(server.url).close)
    assert not server.is_ready()
    assert server.fault() is None


@pytest.mark.slow
def test_a_server_that_is_frozen_is_killed_and_started(tmp_path: Path, running: ExitStack) -> None:
    server = LocalValkey(tmp_path)
    running.callback(server.stop)
    server.start()
    assert server.pid is not None
    fault = server.fault()
    assert fault is None
    psutil.Process(server.pid).suspend()
    fault = server.fault()
    assert fault is not None
    server.fault = lambda: fault and Fault(fault.reason, 0)  # type: ignore[method-assign]
    heals(server)
    assert redis.Redis.from_url(server.url).ping()


def test_a_broker_that_is_away_is_the_fault_of_no_worker(tmp_path: Path) -> None:
    nobody = f"redis://127.0.0.1:{free_port()}/0"
    assert Worker(tmp_path, {"REDIS_URL": nobody}, concurrency=1).fault() is None


def test_a_broker_that_is_away_is_not_ready(tmp_path: Path) -> None:
    assert not LocalValkey(tmp_path).is_ready()


class Listener(Service):
    """A server that a test can have listen elsewhere."""

    name = "listener"
    title = "the listener"

    def __init__(self, home: Path, code: str) -> None:
        super().__init__(home, {})
        self.port = free_port()
        self._code = code

    def command(self) -> list[str]:
        return [sys.executable, "-c", self._code.replace("PORT", str(int(self.port or 0)))]

    def is_ready(self) -> bool:
        return True


def test_what_listens_no_more_has_a_fault_although_another_program_answers_there(tmp_path: Path, running: ExitStack) -> None:
    bind = "import socket, time, sys; s = socket.create_server(('127.0.0.1', PORT)); "
    ours = Listener(tmp_path, bind + "sys.stdin.read(); time.sleep(600)")
    running.callback(ours.kill)
    ours.start()
    assert ours.fault() is None
    ours.kill()
    other = Listener(tmp_path / "other", bind + "time.sleep(600)")
    running.callback(other.kill)
    other.port, number = free_port(), ours.port
    other._code = other._code.replace("PORT", str(int(number or 0)))
    other.launch()
    ours._code = "import time; time.sleep(600)"
    ours.launch()
    wait_until(
        lambda: [each for each in psutil.net_connections("tcp") if each.laddr and each.laddr.port == number] != [], seconds=10
    )
    fault = ours.fault()
    assert fault is not None
    assert str(int(number or 0)) in fault.reason
