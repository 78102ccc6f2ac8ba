from __future__ import annotations

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
    assert list(polling(0)) == [None]
