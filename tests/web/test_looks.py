"""What everybody needs to know first is read once for all who ask at the same time, and anew after a moment."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from telemetry_pipeline.web.computing import looks
from telemetry_pipeline.web.computing.looks import SharedLook


def test_who_asks_at_the_same_time_shares_a_look() -> None:
    numbers = iter(range(10))
    look = SharedLook(lambda: next(numbers))

    async def ask() -> list[int]:
        return [*await asyncio.gather(*(look.now() for _ in range(20))), await look.now()]

    assert asyncio.run(ask()) == [0] * 21


def test_an_old_look_is_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks, "LOOK_SECONDS", 0.0)
    numbers = iter(range(10))
    look = SharedLook(lambda: next(numbers))

    async def ask() -> list[int]:
        return [await look.now(), await look.now()]

    assert asyncio.run(ask()) == [0, 1]


def test_an_error_is_told_to_all_who_wait_and_not_kept() -> None:
    answers: Iterator[int | OSError] = iter([OSError("away"), 1])

    def read() -> int:
        answer = next(answers)
        if isinstance(answer, OSError):
            raise answer
        return answer

    look = SharedLook(read)

    async def ask() -> int:
        failed = await asyncio.gather(look.now(), look.now(), return_exceptions=True)
        assert [str(each) for each in failed] == ["away", "away"]
        return await look.now()

    assert asyncio.run(ask()) == 1
