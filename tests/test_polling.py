from __future__ import annotations

import math
import time

from telemetry_pipeline.polling import polling


def test_the_last_look_is_when_the_time_is_over_however_long_the_interval() -> None:
    """Else what came at the end is missed, or the wait takes an interval longer than was asked."""
    began = time.monotonic()
    looks = [time.monotonic() - began for _ in polling(0.2, interval=10)]
    assert len(looks) == 2
    assert looks[0] < 0.1
    assert 0.2 <= looks[1] < 1


def test_without_time_there_is_one_look() -> None:
    assert list(polling(0)) == [0]


def test_each_look_is_told_how_long_the_wait_goes_on() -> None:
    first, *_, last = polling(0.2, interval=0.05)
    assert 0.19 < first <= 0.2
    assert last == 0


def test_a_wait_without_end_pauses_as_it_is_told_between_two_looks() -> None:
    """So that a request to stop ends the pause, and the next look comes at once."""
    pauses: list[float] = []
    looks = polling(interval=7, pause=pauses.append)
    assert [next(looks), next(looks), next(looks)] == [math.inf] * 3
    assert pauses == [7, 7]
