"""When what ended or does not work is started again, with a clock of the test's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from terminal import wait_until

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.processes.service import Fault, Service
from telemetry_pipeline.stack.processes.supervision import Supervisor


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
        wait_until(lambda: supervisor.tend() or step(clock), seconds=60)
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
