"""Answers to questions: from memory while the views are the same, else from what is stored, else computed.

One look at the database, shared by all who ask at once, says whether anything is new; as long as nothing is, an answer that is
in memory costs no other.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import date

import sqlalchemy as sa
from anyio import CapacityLimiter, to_thread

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Completeness
from telemetry_pipeline.results import computing
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.web.computing.bodies import body_of
from telemetry_pipeline.web.computing.kept import Kept
from telemetry_pipeline.web.computing.looks import SharedLook
from telemetry_pipeline.web.computing.pool import Pool
from telemetry_pipeline.web.computing.question import Look, Question

_VERSIONS = 5_000
_MOST_BYTES = 32_000_000
_LOOKS_AT_ONCE = 2
"""At what is stored. A page has a dozen; those of all pages would take every thread and connection of the door."""

Moment = tuple[int, Completeness]
"""What answers may depend on: the newest version of views, and what is known of days."""


@dataclass(frozen=True)
class Answer:
    """A body, and what names it as long as the views are the same."""

    body: bytes
    etag: str


class Answers:
    """For all who ask the door."""

    def __init__(self, engine: sa.Engine, rules: Rules, pool: Pool, most_bytes: int = _MOST_BYTES) -> None:
        self._engine = engine
        self._rules = rules
        self._pool = pool
        self._bodies = Kept(most_bytes)
        self._versions: OrderedDict[Question, tuple[Moment, str]] = OrderedDict()
        self._moment = SharedLook(self._read)
        self._looks = CapacityLimiter(_LOOKS_AT_ONCE)

    async def answer(self, question: Question, known: str = "") -> Answer:
        """Return the answer to a question; without a body where its etag is among those that are *known* to whoever asks.

        :raises TelemetryError: it cannot be answered, or not now.
        """
        moment = await self._moment.now()
        asked = replace(question, form="json", look=Look(), personal=True)

        def look() -> computing.Look:
            return computing.look(self._engine, self._rules, asked.name, asked.days, asked.parameters)

        found = None
        seen = self._versions.get(asked)
        if seen is None or seen[0] != moment:
            looked = await to_thread.run_sync(look, limiter=self._looks)
            self._remember(asked, moment, looked.version)
            version, found = looked.version, looked.stored
        else:
            version = seen[1]
        etag = _etag(question, version)
        if etag in known:
            return Answer(b"", etag)

        async def make() -> bytes:
            # Without a look of its own, it was in memory before, or in another form.
            stored = found or (await to_thread.run_sync(look, limiter=self._looks)).stored
            if stored is not None and question.form in ("json", "csv"):
                return await to_thread.run_sync(body_of, question, stored, self._rules.zone)
            return await self._pool.ask(question)

        return Answer(await self._bodies.get(etag, make), etag)

    def close(self) -> None:
        """End the processes that wait for questions."""
        self._pool.close()

    def _read(self) -> Moment:
        with snapshot(self._engine) as connection:
            state = segments.state(connection, date.max, date.max)
        return state.newest, state.known

    def _remember(self, asked: Question, moment: Moment, version: str) -> None:
        self._versions[asked] = (moment, version)
        self._versions.move_to_end(asked)
        while len(self._versions) > _VERSIONS:
            self._versions.popitem(last=False)


def _etag(question: Question, version: str) -> str:
    return f'W/"{hashlib.sha256(f"{version}|{question}".encode()).hexdigest()[:24]}"'
