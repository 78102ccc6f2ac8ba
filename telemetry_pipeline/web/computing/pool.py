"""A few processes that compute for the door; one whose answer nobody waits for any more is ended."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import os
import threading
import time
from multiprocessing.connection import Connection

import anyio.to_thread
from anyio import CapacityLimiter

from telemetry_pipeline.errors import Busy, ComputingEnded, RequestRefused
from telemetry_pipeline.results.views import spill
from telemetry_pipeline.web.computing.question import Question
from telemetry_pipeline.web.computing.worker import Data, Reply, work

# Forking copies what the door's threads hold; a new process imports what it needs in a second or two.
_CONTEXT = multiprocessing.get_context("spawn")
_LARGE_MB = 450.0
"""Who has this much after an answer is not asked again."""


class Pool:
    """Processes that are started when somebody asks, and ended when nobody does for a while.

    :param size: how many there are at most.
    :param most_waiting: how many questions wait at most for one of them.
    :param limit_seconds: how long an answer may take, without the time for which it waits.
    :param idle_seconds: for how long a process waits for the next question.
    """

    def __init__(
        self,
        data: Data,
        *,
        size: int = max(2, min(4, os.cpu_count() or 1)),
        most_waiting: int = 64,
        limit_seconds: float = 60.0,
        idle_seconds: float = 120.0,
    ) -> None:
        self._data = data
        self._turns = asyncio.Semaphore(size)
        self._threads = CapacityLimiter(size)
        self._most_waiting = most_waiting
        self._limit_seconds = limit_seconds
        self._idle_seconds = idle_seconds
        self._waiting = 0
        self._idle: list[Process] = []

    async def ask(self, question: Question) -> bytes:
        """Return the answer to a question. Cancelling ends the process that computes it.

        :raises Busy: too many wait already. :raises ComputingEnded: the process ended by itself.
        :raises RequestRefused: it takes too long, or cannot be answered.
        """
        if self._waiting >= self._most_waiting:
            raise Busy("too many answers are being computed", "ask again in a moment")
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        try:
            return await self._answer(question)
        finally:
            self._turns.release()

    async def _answer(self, question: Question) -> bytes:
        process = self._idle.pop() if self._idle else Process(self._data)
        is_done = False
        try:
            async with asyncio.timeout(self._limit_seconds):
                ask = functools.partial(process.ask, question)
                reply = await anyio.to_thread.run_sync(ask, abandon_on_cancel=True, limiter=self._threads)
            is_done = reply.memory_mb < _LARGE_MB
        except TimeoutError:
            raise RequestRefused(
                f"{question.name} takes longer than {self._limit_seconds:.0f} s of these days", "ask for fewer days"
            ) from None
        except (EOFError, OSError):
            raise ComputingEnded(
                f"the process that computed {question.name} ended", "ask again, and for fewer days if that ends, too"
            ) from None
        finally:
            if is_done:
                self._keep(process)
            else:
                process.end()
        if reply.error is not None:
            raise reply.error
        return reply.body

    def _keep(self, process: Process) -> None:
        process.idle_since = time.monotonic()
        self._idle.append(process)
        asyncio.get_running_loop().call_later(self._idle_seconds + 0.1, self._end_idle)

    def _end_idle(self) -> None:
        before = time.monotonic() - self._idle_seconds
        for process in [each for each in self._idle if each.idle_since <= before]:
            self._idle.remove(process)
            process.end()

    def close(self) -> None:
        """End the processes that wait for questions; those at work end with whoever asked."""
        while self._idle:
            self._idle.pop().end()


class Process:
    """A process that computes, and our end of the pipe to it.

    :ivar idle_since: when it gave its last answer, by the monotonic clock.
    """

    def __init__(self, data: Data) -> None:
        self._data = data
        self._process: multiprocessing.process.BaseProcess | None = None
        self._connection: Connection | None = None
        self.idle_since = 0.0
        self._is_ended = False

    def ask(self, question: Question) -> Reply:
        """Return its answer; blocks, and raises EOFError or OSError when it is ended meanwhile."""
        if self._connection is None:
            self._start()
        assert self._connection is not None
        self._connection.send(question)
        reply: Reply = self._connection.recv()
        return reply

    def end(self) -> None:
        """End it, whatever it does."""
        self._is_ended = True
        if self._process is not None:
            self._process.kill()
            threading.Thread(target=self._bury, args=(self._process,), daemon=True).start()

    def _bury(self, process: multiprocessing.process.BaseProcess) -> None:
        """Remove what it spilled, which it cannot do itself any more."""
        process.join()
        spill.sweep(self._data.limits.spill_directory)

    def _start(self) -> None:
        ours, theirs = _CONTEXT.Pipe()
        process = _CONTEXT.Process(target=work, args=(theirs, self._data), daemon=True)
        process.start()
        theirs.close()
        self._process, self._connection = process, ours
        if self._is_ended:  # while it started
            process.kill()
