"""When what ended or does not work is started again, with a clock of the test's own; and real services that do not work."""

from __future__ import annotations

import signal
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import psycopg
import pytest
import redis
from terminal import wait_until

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.stack.processes.service import Fault, Service
from telemetry_pipeline.stack.processes.supervision import Supervisor
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.valkey import LocalValkey
from telemetry_pipeline.stack.services.workers import Worker


class Fragile(Service):
    """Never a real process: ends, or does not work, when the test says so."""

    name = "fragile"
    title = "the fragile one"
    start_timeout_seconds = 100.0

    def __init__(self, home: Path) -> None:
        super().__init__(home, {})
        self.launches = 0
        self.stops = 0
        self.status: int | None = None
        self.obstacle: Exception | None = None
        self.illness: Fault | Exception | None = None

    def command(self) -> list[str]:
        return []

    def is_ready(self) -> bool:
        return True

    def fault(self) -> Fault | None:
        if isinstance(self.illness, Exception):
            raise self.illness
        return self.illness

    @property
    def exit_status(self) -> int | None:
        return self.status

    def launch(self) -> None:
        if self.obstacle is not None:
            raise self.obstacle
        self.launches += 1
        self.status = None

    def stop(self) -> None:
        self.stops += 1
        self.status = -2

    def kill(self) -> None:
        pass


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def supervising(service: Service, clock: Callable[[], float], said: list[str] | None = None) -> Iterator[Supervisor]:
    supervisor = Supervisor(print if said is None else said.append, clock)
    supervisor.add(service)
    yield supervisor
    supervisor.close()


@pytest.mark.parametrize("status", [0, 1, -9])
def test_whatever_the_status_a_process_that_ended_is_launched_again(tmp_path: Path, status: int) -> None:
    said: list[str] = []
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock, said) as supervisor:
        assert not supervisor.tend()
        service.status = status
        assert not supervisor.tend()
        assert len(said) == 1
        assert str(service.log) in said[0]
        clock.now += 0.5
        assert supervisor.tend()
        assert service.launches == 1


def test_each_ending_in_a_row_is_waited_for_longer_up_to_half_a_minute(tmp_path: Path) -> None:
    """What is broken at night may be mended in the morning, and the rest of the stack goes on meanwhile."""
    service, clock, waits = Fragile(tmp_path), Clock(), []
    with supervising(service, clock) as supervisor:
        for _ in range(20):
            service.status = 1
            began = clock.now
            while not supervisor.tend():
                clock.now += 0.5
            waits.append(clock.now - began)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.5, 30)


def test_a_steady_minute_is_a_new_beginning(tmp_path: Path) -> None:
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock) as supervisor:
        for _ in range(20):
            clock.now += 60
            service.status = 1
            supervisor.tend()
            clock.now += 0.5
            assert supervisor.tend()


@pytest.mark.parametrize("obstacle", [OSError(28, "No space left on device"), StackError("somebody else's")], ids=str)
def test_what_cannot_be_launched_is_tried_again(tmp_path: Path, obstacle: Exception) -> None:
    """A full disk ended the supervisor, and with it the stack."""
    said: list[str] = []
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock, said) as supervisor:
        service.status, service.obstacle = 1, obstacle
        for _ in range(100):
            assert not supervisor.tend()
            clock.now += 1
        assert str(obstacle) in said[-1]
        service.obstacle = None
        wait = 0
        while not supervisor.tend():
            clock.now += 1
            wait += 1
        assert wait <= 30


def seconds_until_stopped(supervisor: Supervisor, service: Fragile, clock: Clock) -> float:
    """By the test's clock; each question is answered before it moves on."""
    began = clock.now
    while not service.stops:
        supervisor.tend()
        answer(supervisor)
        clock.now += 1
        assert clock.now < began + 1_000
    return clock.now - began


def answer(supervisor: Supervisor) -> None:
    """Wait until the questions of the supervisor are answered: its threads take one after the other."""
    done = threading.Barrier(2)
    supervisor._threads._max_workers = 1
    supervisor._threads.submit(done.wait)
    done.wait()


def test_a_fault_is_borne_as_long_as_it_may_last_and_no_longer(tmp_path: Path) -> None:
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock) as supervisor:
        service.illness = Fault("it does not answer", patience_seconds=60)
        assert 60 <= seconds_until_stopped(supervisor, service, clock) <= 75
        wait_until(lambda: supervisor.tend() or step(clock), seconds=10)
    assert service.launches == 1


def step(clock: Clock) -> bool:
    clock.now += 0.5
    return False


def test_a_fault_that_passes_in_time_is_forgotten(tmp_path: Path) -> None:
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock) as supervisor:
        for second in range(600):
            service.illness = None if second % 60 > 40 else Fault("it is slow", patience_seconds=60)
            supervisor.tend()
            answer(supervisor)
            clock.now += 1
    assert not service.stops


def test_who_was_just_launched_has_its_time_to_start(tmp_path: Path) -> None:
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock) as supervisor:
        service.status = 1
        supervisor.tend()
        clock.now += 0.5
        assert supervisor.tend()
        service.illness = Fault("it does not listen yet", patience_seconds=10)
        assert 100 <= seconds_until_stopped(supervisor, service, clock) <= 115


def test_a_question_that_fails_is_a_fault_and_no_end_of_the_supervisor(tmp_path: Path) -> None:
    said: list[str] = []
    service, clock = Fragile(tmp_path), Clock()
    with supervising(service, clock, said) as supervisor:
        service.illness = ValueError("not a number")
        seconds_until_stopped(supervisor, service, clock)
    assert "not a number" in said[-1]


def test_a_question_that_nobody_answers_holds_nothing_up(tmp_path: Path) -> None:
    hung, other, clock = Fragile(tmp_path), Fragile(tmp_path), Clock()
    waiting = threading.Event()
    hung.fault = waiting.wait  # type: ignore[method-assign,assignment]
    with supervising(hung, clock) as supervisor:
        supervisor.add(other)
        clock.now = 10
        supervisor.tend()
        other.status = 1
        supervisor.tend()
        clock.now += 1
        assert supervisor.tend()
        waiting.set()


@pytest.fixture
def running() -> Iterator[ExitStack]:
    with ExitStack() as running:
        yield running


@pytest.fixture
def home() -> Iterator[Path]:
    """Not in pytest's directory: another session of pytest closes that to the user that PostgreSQL runs as under root."""
    with tempfile.TemporaryDirectory(prefix="telemetry-") as directory:
        yield Path(directory)


def heals(service: Service, seconds: float = 40) -> None:
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
        wait_until(lambda: not server.is_ready(), seconds=10)
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
