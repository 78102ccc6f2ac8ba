"""The pool that computes for the door: bounded, stopped when nobody waits, and whole again after whatever happened."""

from __future__ import annotations

import asyncio
import multiprocessing
from collections.abc import Callable
from datetime import date
from pathlib import Path
from zoneinfo import ZoneInfo

import psutil
import pytest
from pool_worker import work
from pydantic import SecretStr

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import Busy, ComputingEnded, RequestRefused
from telemetry_pipeline.settings.computing import Limits
from telemetry_pipeline.web.computing import pool as pools
from telemetry_pipeline.web.computing.kept import Kept
from telemetry_pipeline.web.computing.pool import Pool
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.computing.worker import Data

DAY = date(2026, 1, 1)


@pytest.fixture
def make_pool(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Pool]:
    """Makes pools of processes that start quickly; of a process with threads, as of other tests, a fork may wait for ever."""
    monkeypatch.setattr(pools, "_CONTEXT", multiprocessing.get_context("forkserver"))
    monkeypatch.setattr(pools, "work", work)
    data = Data(SecretStr("never read"), Rules(ZoneInfo("UTC")), Limits(spill_directory=tmp_path))
    return lambda **options: Pool(data, **{"size": 1, **options})


def question(name: str) -> Question:
    return Question(name, Period(DAY, DAY))


def children() -> list[int]:
    """Return the ids of the processes that compute, as they are now."""
    return [each.pid for each in multiprocessing.active_children() if each.pid is not None]


def test_a_process_answers_one_question_after_the_other(make_pool: Callable[..., Pool]) -> None:
    async def ask() -> None:
        pool = make_pool()
        first, second = await pool.ask(question("one")), await pool.ask(question("two"))
        assert first.split()[-1] == second.split()[-1]
        pool.close()

    asyncio.run(ask())


@pytest.mark.parametrize(
    ("name", "raised"), [("die", ComputingEnded), ("hang", RequestRefused), ("refuse", RequestRefused), ("grow", None)]
)
def test_whatever_becomes_of_a_process_the_next_question_is_answered(
    make_pool: Callable[..., Pool], name: str, raised: type[Exception] | None
) -> None:
    async def ask() -> None:
        pool = make_pool(limit_seconds=0.5 if name == "hang" else 60)
        if raised is None:
            await pool.ask(question(name))
            assert not pool._idle
        else:
            with pytest.raises(raised):
                await pool.ask(question(name))
        pool._limit_seconds = 60  # a loaded machine may take long to start a process
        assert (await pool.ask(question("next"))).startswith(b"next")
        pool.close()

    asyncio.run(ask())


def test_a_question_that_nobody_asks_any_more_is_not_computed(make_pool: Callable[..., Pool]) -> None:
    async def ask() -> None:
        pool = make_pool()
        before = {*children()}
        asked = asyncio.create_task(pool.ask(question("hang")))
        while not (started := [psutil.Process(each) for each in children() if each not in before]):
            await asyncio.sleep(0.01)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        psutil.wait_procs(started, timeout=60)
        assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in started)
        assert (await pool.ask(question("next"))).startswith(b"next")
        pool.close()

    asyncio.run(ask())


def test_more_than_may_wait_are_sent_away(make_pool: Callable[..., Pool]) -> None:
    async def ask() -> None:
        pool = make_pool(most_waiting=1)
        asked = [asyncio.create_task(pool.ask(question("hang"))) for _ in range(2)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await pool.ask(question("one"))
        for each in asked:
            each.cancel()
        await asyncio.gather(*asked, return_exceptions=True)

    asyncio.run(ask())


def test_a_process_that_nobody_needs_is_ended(make_pool: Callable[..., Pool]) -> None:
    async def ask() -> None:
        pool = make_pool(idle_seconds=0.05)
        await pool.ask(question("one"))
        assert pool._idle
        while pool._idle:
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(ask(), 60))


def test_what_a_process_spilled_goes_when_it_is_ended(make_pool: Callable[..., Pool], tmp_path: Path) -> None:
    """It is killed, and removes nothing itself."""

    async def ask() -> None:
        pool = make_pool(idle_seconds=0.05)
        spilled = Path((await pool.ask(question("spill"))).decode())
        assert spilled.parent == tmp_path
        while spilled.exists():
            await asyncio.sleep(0.02)

    asyncio.run(asyncio.wait_for(ask(), 60))


def test_a_body_is_made_once_however_many_ask_for_it() -> None:
    made = []

    async def make() -> bytes:
        made.append(1)
        await asyncio.sleep(0.01)
        return b"body"

    async def ask() -> None:
        kept = Kept(100)
        assert await asyncio.gather(*(kept.get("a", make) for _ in range(3))) == [b"body"] * 3
        assert await kept.get("a", make) == b"body"

    asyncio.run(ask())
    assert len(made) == 1


def test_what_was_asked_for_last_is_kept_as_far_as_there_is_room() -> None:
    made: list[str] = []

    async def ask() -> None:
        kept = Kept(10)

        async def get(name: str, size: int) -> None:
            async def make() -> bytes:
                made.append(name)
                return b"x" * size

            await kept.get(name, make)

        for name, size in (("a", 4), ("b", 4), ("a", 4), ("c", 4), ("a", 4), ("b", 4), ("huge", 11), ("huge", 11)):
            await get(name, size)

    asyncio.run(ask())
    assert made == ["a", "b", "c", "b", "huge", "huge"]


def test_who_goes_away_last_stops_what_is_made_and_an_error_is_not_kept() -> None:
    stopped: list[str] = []

    async def forever() -> bytes:
        try:
            await asyncio.sleep(100)
        except asyncio.CancelledError:
            stopped.append("")
            raise
        return b""

    async def fail() -> bytes:
        raise Busy("full")

    async def good() -> bytes:
        return b"good"

    async def ask() -> None:
        kept = Kept(10)
        both = [asyncio.create_task(kept.get("a", forever)) for _ in range(2)]
        await asyncio.sleep(0.01)
        both[0].cancel()
        await asyncio.sleep(0.01)
        assert not stopped
        both[1].cancel()
        while not stopped:
            await asyncio.sleep(0)
        with pytest.raises(Busy):
            await kept.get("a", fail)
        assert await kept.get("a", good) == b"good"

    asyncio.run(asyncio.wait_for(ask(), 60))
