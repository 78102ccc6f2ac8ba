"""The front door over a warehouse of the test's own, and browsers before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from front_door import OPERATOR, PASSWORD, URL, VIEWER, Browser, door_settings
from starlette.types import ASGIApp

from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.access import passwords, users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.web.app import create_app

_FORGET = """
    truncate telemetry.users, telemetry.web_sessions, telemetry.api_tokens, telemetry.login_attempts, telemetry.audit
"""


@pytest.fixture(scope="module")
def door_url(postgres_url: str) -> Iterator[str]:
    """A database for the doors of a module: nothing that the door does takes an empty one."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database door template template")
        yield at_database(postgres_url, "door")
        connection.execute("drop database door with (force)")


@pytest.fixture
def warehouse(door_url: str) -> sa.Engine:
    """Where nobody may come in yet, and nobody was."""
    engine = connect(door_url)
    with engine.begin() as connection:
        connection.execute(sa.text(_FORGET))
    return engine


@pytest.fixture
def door(warehouse: sa.Engine, door_url: str) -> ASGIApp:
    """With a viewer and an operator."""
    with warehouse.begin() as connection:
        for name, role in ((VIEWER, Role.VIEWER), (OPERATOR, Role.OPERATOR)):
            users.add(connection, Actor("root", "command"), name, PASSWORD, role, personal=False)
    return create_app(door_settings(door_url), warehouse)


@pytest.fixture
def browser(door: ASGIApp) -> Iterator[Callable[..., Browser]]:
    """Makes a browser; with a name, one that is logged in."""
    with ExitStack() as open_ones:

        def new(name: str = "", url: str = URL, of: ASGIApp = door) -> Browser:
            browser = open_ones.enter_context(Browser(of, url))
            if name:
                assert browser.log_in(name).status_code == 303
            return browser

        yield new


@pytest.fixture(autouse=True, scope="session")
def _quick_hashes() -> Iterator[None]:
    """Argon2 is slow by design, which is not what is tried here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        passwords._of_nobody.cache_clear()
        yield
        passwords._of_nobody.cache_clear()
