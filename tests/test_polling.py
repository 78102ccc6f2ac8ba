"""Who waits looks at once, at intervals, and when the time is over."""

from __future__ import annotations

import math
from types import SimpleNamespace

import pytest

from telemetry_pipeline import polling as module
from telemetry_pipeline.polling import polling


class Clock:
    """Goes on while somebody pauses."""

    now = 1_000.0

    def pause(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_the_last_look_is_when_the_time_is_over_however_long_the_interval(clock: Clock) -> None:
    """Else what came at the end is missed, or the wait takes an interval longer than was asked."""
    assert [clock.now - 1_000 for _ in polling(25, 10, clock.pause)] == [0, 10, 20, 25]
    assert [clock.now - 1_025 for _ in polling(5, 10, clock.pause)] == [0, 5]


def test_without_time_there_is_one_look() -> None:
    assert list(polling(0)) == [0]


def test_each_look_is_told_how_long_the_wait_goes_on(clock: Clock) -> None:
    assert list(polling(5, 2, clock.pause)) == [5, 3, 1, 0]


def test_a_wait_without_end_pauses_as_it_is_told_between_two_looks() -> None:
    """So that a request to stop ends the pause, and the next look comes at once."""
    pauses: list[float] = []
    looks = polling(interval=7, pause=pauses.append)
    assert [next(looks), next(looks), next(looks)] == [math.inf] * 3
    assert pauses == [7, 7]
