"""What pages make of answers: once as long as the answer is the same, and after other pages have begun."""

from __future__ import annotations

import asyncio
from datetime import date

import orjson
import pandas as pd
import pytest

from telemetry_pipeline.days import Period
from telemetry_pipeline.web.computing.answers import Answer
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.pages.shown import computing

DAYS = Period(date(2026, 1, 1), date(2026, 1, 1))
ROW = {"channel": "Uno", "share_pct": 100.0, "watch_hours": 1.5, "small_base": False}


class Answering:
    def __init__(self, rows: int) -> None:
        self.body = orjson.dumps({"rows": [ROW] * rows, "facts": {}})

    async def answer(self, question: Question, known: str = "") -> Answer:
        return Answer(self.body, "etag")


async def shares(rows: int) -> pd.DataFrame:
    return await computing.frame(Answering(rows), "share", DAYS, {})


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


def test_a_page_begins_before_what_twenty_others_show_is_made(made: list[str]) -> None:
    async def begin() -> int:
        """A page takes some rounds of the loop until it begins."""
        for _ in range(5):
            await asyncio.sleep(0)
        return len(made)

    async def ask() -> int:
        others = [asyncio.create_task(shares(rows)) for rows in range(1, 21)]
        before = await begin()
        await asyncio.gather(*others)
        return before

    assert asyncio.run(ask()) < 5
    assert len(made) == 20
