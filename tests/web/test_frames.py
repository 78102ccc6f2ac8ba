"""What pages make of answers: once as long as the answer is the same, and while other pages begin."""

from __future__ import annotations

import asyncio
import threading
from datetime import date

import orjson
import pandas as pd
import pytest

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import Busy
from telemetry_pipeline.web.computing.answers import Answer
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.pages.shown import computing
from telemetry_pipeline.web.pages.shown.answers import Answers, Failed

DAYS = Period(date(2026, 1, 1), date(2026, 1, 1))
ROW = {"channel": "Uno", "share_pct": 100.0, "watch_hours": 1.5, "small_base": False}


class Answering:
    def __init__(self, rows: int = 1) -> None:
        self.body = orjson.dumps({"rows": [ROW] * rows, "facts": {}})

    async def answer(self, question: Question, known: str = "") -> Answer:
        return Answer(self.body, "etag")


class Failing:
    async def answer(self, question: Question, known: str = "") -> Answer:
        raise Busy("too many", "later")


class Endless:
    """Tells when it is asked, and when it is stopped."""

    def __init__(self) -> None:
        self.asked, self.ended = asyncio.Event(), asyncio.Event()

    async def answer(self, question: Question, known: str = "") -> Answer:
        self.asked.set()
        try:
            return await asyncio.Future()
        finally:
            self.ended.set()


async def shares(rows: int) -> pd.DataFrame:
    return await computing.frame(Answering(rows).answer, "share", DAYS, {})


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The analyses whose answers were read, one after another."""
    names: list[str] = []
    read = computing._frame_of

    def reading(name: str, text: bytes) -> pd.DataFrame:
        names.append(name)
        return read(name, text)

    monkeypatch.setattr(computing, "_frame_of", reading)
    computing._kept_frame.cache_clear()
    return names


def test_the_same_answer_is_read_once_and_what_is_made_of_it_leaves_it_as_it_is(made: list[str]) -> None:
    first = asyncio.run(shares(1))
    first["watch_hours"] = 0.0
    first.attrs["facts"]["more"] = 1
    again = asyncio.run(shares(1))
    assert again["watch_hours"].tolist() == [1.5]
    assert again.attrs["facts"] == {}
    assert made == ["share"]


def test_an_answer_about_everybody_is_not_kept(made: list[str]) -> None:
    for _ in range(2):
        assert len(asyncio.run(shares(5_000))) == 5_000
    assert made == ["share"] * 2


def test_a_page_begins_while_what_others_show_is_made() -> None:
    making, goes_on = threading.Event(), threading.Event()

    async def block() -> str:
        making.set()
        assert goes_on.wait(60)
        return "made"

    async def others() -> None:
        wait = Answers(Answering()).make(block)
        while not making.is_set():
            await asyncio.sleep(0.01)
        goes_on.set()
        assert await wait() == "made"

    asyncio.run(others())


def test_two_blocks_wait_for_one_answer_and_an_error_is_that_of_each() -> None:
    async def page() -> None:
        answers = Answers(Failing())
        asked = answers.ask("share", DAYS)

        async def block() -> int:
            return len(await asked)

        for wait in [answers.make(block) for _ in range(2)]:
            shown = await wait()
            assert isinstance(shown, Failed)
            assert shown.reason == "busy"
        with pytest.raises(Busy):
            await asked

    asyncio.run(page())


def test_what_nobody_waits_for_any_more_is_stopped_where_it_is_computed() -> None:
    async def page() -> None:
        answering = Endless()
        answers = Answers(answering)
        answers.ask("share", DAYS)
        await asyncio.wait_for(answering.asked.wait(), 60)
        answers.end()
        await asyncio.wait_for(answering.ended.wait(), 60)

    asyncio.run(page())
