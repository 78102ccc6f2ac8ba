"""When what ended is launched again, with a clock of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from telemetry_pipeline.stack.processes import Service
from telemetry_pipeline.stack.supervision import Supervisor


class Fragile(Service):
    """Never a real process: ends when the test says so."""

    name = "fragile"
    title = "the fragile one"

    def __init__(self, home: Path) -> None:
        super().__init__(home, {})
        self.launches = 0
        self.status: int | None = None

    def command(self) -> list[str]:
        return []

    def is_ready(self) -> bool:
        return True

    @property
    def exit_status(self) -> int | None:
        return self.status

    def launch(self) -> None:
        self.launches += 1
        self.status = None

    def kill(self) -> None:
        pass


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize("status", [0, 1, -9])
def test_whatever_the_status_a_process_that_ended_is_launched_again(tmp_path: Path, status: int) -> None:
    service, clock, said = Fragile(tmp_path), Clock(), []
    supervisor = Supervisor([service], said.append, clock)
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
    supervisor = Supervisor([service], print, clock)
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
    supervisor = Supervisor([service], print, clock)
    for _ in range(20):
        clock.now += 60
        service.status = 1
        supervisor.tend()
        clock.now += 0.5
        assert supervisor.tend()
