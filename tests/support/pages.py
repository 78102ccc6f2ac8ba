"""The front door over a small operator, with answers computed in the test's own process."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from html import unescape
from typing import Any, cast

import anyio.to_thread
import sqlalchemy as sa
from front_door import OPERATOR, PASSWORD, VIEWER, door_settings
from starlette.types import ASGIApp

from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store, rules_of
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.warehouse.access import users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.app import create_app
from telemetry_pipeline.web.computing.bodies import body_of
from telemetry_pipeline.web.computing.pool import Pool
from telemetry_pipeline.web.computing.question import Question

Ask = Callable[..., str]
"""The text of a page."""

PERSONAL = "petra"
PEOPLE = {VIEWER: (Role.VIEWER, False), PERSONAL: (Role.VIEWER, True), OPERATOR: (Role.OPERATOR, False)}


class InProcess:
    """Computes as the processes of the pool do, one answer at a time."""

    def __init__(self, engine: sa.Engine, settings: DoorSettings) -> None:
        self._engine = engine
        self._rules = rules_of(settings)
        self._store: Store | None = None
        self._lock = threading.Lock()

    async def ask(self, question: Question) -> bytes:
        """The answer."""
        return await anyio.to_thread.run_sync(self._answer, question)

    def close(self) -> None:
        """Nothing runs."""

    def _answer(self, question: Question) -> bytes:
        with self._lock:
            self._store = self._store or Store(self._rules)
            found = computing.answer(self._engine, self._store, question.name, question.days, question.parameters)
            return body_of(question, found, self._rules.zone)


def front_door(url: str, engine: sa.Engine, **settings: Any) -> ASGIApp:
    """The door, whose answers start no process."""
    given = door_settings(url, **settings)
    return create_app(given, engine, cast(Pool, InProcess(engine, given)))


def let_in(engine: sa.Engine) -> None:
    """Users of each kind."""
    with engine.begin() as connection:
        for name, (role, personal) in PEOPLE.items():
            users.add(connection, Actor("root", "command"), name, PASSWORD, role, personal=personal)


def words(page: str) -> str:
    """What a page says, without its marks."""
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", page)).split())
