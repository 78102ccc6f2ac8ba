"""The front door over a warehouse of the test's own or of a small operator, and browsers before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import psycopg
import pytest
import sqlalchemy as sa
from argon2 import PasswordHasher
from audiences import fill
from front_door import OPERATOR, PASSWORD, URL, VIEWER, Browser, door_settings
from pages import PERSONAL, Ask, front_door, let_in
from starlette.types import ASGIApp
from warehouse_events import MEXICO

from telemetry_pipeline.days import today
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


@pytest.fixture(scope="module")
def filled(postgres_url: str) -> Iterator[str]:
    """The address of a warehouse with a small operator, in which nobody changes anything."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create database audiences template template")
        url = at_database(postgres_url, "audiences")
        engine = connect(url)
        fill(engine, today(MEXICO))
        let_in(engine)
        yield url
        engine.dispose()
        connection.execute("drop database audiences with (force)")


@pytest.fixture(scope="module")
def people(filled: str) -> dict[str, Browser]:
    """Browsers of those who are logged in, by their names."""
    door = front_door(filled, connect(filled))
    browsers = {name: Browser(door, URL) for name in (VIEWER, PERSONAL, OPERATOR)}
    for name, browser in browsers.items():
        assert browser.log_in(name).status_code == 303
    return browsers


@pytest.fixture
def ask(people: dict[str, Browser]) -> Ask:
    """The text of a page."""

    def get(path: str, by: str = OPERATOR, status: int = 200) -> str:
        answer = people[by].get(path)
        assert answer.status_code == status, answer.text[-2000:]
        text: str = answer.text
        return text

    return get
