"""A server with an owner, a writer and a reader, what each of them does, and errors that quote rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa
from results.test_computing import RULES
from warehouse_events import ZONE, complete, start, stop, store

from telemetry_pipeline.analyses.registry import defaults, find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.published import latest
from telemetry_pipeline.results.tables import table_of
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.core import views
from telemetry_pipeline.warehouse.db import migrating, partitions
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.errors import sqlstate
from telemetry_pipeline.warehouse.operations import adoption, attempts, problems
from telemetry_pipeline.warehouse.operations.status import read_status
from telemetry_pipeline.warehouse.roles import roles
from telemetry_pipeline.warehouse.roles.limits import LIMITS
from telemetry_pipeline.warehouse.roles.roles import Roles

DAY = date(2025, 1, 31)
TODAY = datetime.now(UTC).date()
_numbers = itertools.count(1)


IN_THE_WAY = [
    "select pg_advisory_lock(4711)",
    "select pg_advisory_lock_shared(1, 2)",
    "select pg_try_advisory_lock(4711)",
    "select pg_advisory_xact_lock(4711)",
    "select pg_try_advisory_xact_lock_shared(4711)",
    "select lo_from_bytea(0, 'x')",
    "select lo_create(0)",
    "create temporary table mine (x integer)",
]
"""What a tool could stop the pipeline with, and write."""


class Server:
    """A database of its own on the suite's server, and whoever is to use it; all gone behind the test."""

    def __init__(self, url: str) -> None:
        self.number = next(_numbers)
        self.name = f"roles_{self.number}"
        self.roles = Roles(*(f"{what} {self.number}" for what in ("owner", "writer", "reader", "bi")))
        self._server = url
        self.ask(f"drop database if exists {self.name} with (force)", of="postgres")
        self.ask(f"create database {self.name} template template0", of="postgres")

    def url(self, user: str = "postgres", password: str = "") -> str:
        who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return at_database(self._server, self.name).replace("//postgres@", f"//{who}@")

    def ask(self, statement: str, of: str = "", user: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(at_database(self.url(user), of or self.name), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def user(self, name: str, attributes: str = "login") -> str:
        """Make one."""
        self.ask(f'create role "{name}" {attributes}')
        return name

    def migrate(self, user: str = "postgres", writer: str = "", password: str = "") -> list[str]:
        if writer:
            self.roles = replace(self.roles, writer=writer)
        return roles.migrate(connect(self.url(user)), self.roles, password).advice

    def forget(self) -> None:
        self.ask(f"drop database {self.name} with (force)", of="postgres")
        for (role,) in self.ask(
            f"select rolname from pg_roles where rolname like '% {self.number}' order by 1 desc", of="postgres"
        ):
            self.ask(f'drop role "{role}"', of="postgres")


@pytest.fixture
def server(postgres_url: str) -> Iterator[Server]:
    server = Server(postgres_url)
    yield server
    server.forget()


@pytest.fixture
def servers(postgres_url: str) -> Iterator[tuple[Server, Server]]:
    with ExitStack() as running:
        both = [Server(postgres_url) for _ in range(2)]
        for server in both:
            running.callback(server.forget)
        yield both[0], both[1]


def work(engine: sa.Engine, first_id: int = 1) -> None:
    """All that the pipeline does in the warehouse."""
    store(engine, start(first_id, "A"), stop(first_id + 1, duration=3600), stop(first_id + 2, duration=7200))
    views.merge(engine, ZONE)
    views.analyze(engine)
    complete(engine)
    store_views = Store(RULES)
    analysis = find_analysis("general_summary")
    values = analysis.parse({})
    windows = list(analysis.windows(Period(DAY, DAY), values))
    computing.update(engine, store_views, analysis, windows, values)
    with engine.begin() as connection:
        latest.publish(connection, table_of(analysis), defaults()[analysis.name])
    assert partitions.keep_months(engine, TODAY - timedelta(days=70)) == []
    problems.report(engine, problems.Problem("a key", "A problem"))
    problems.resolve(engine, "a key")
    attempts.begin(engine, "run", "step", 0)
    attempts.forget(engine, "run")
    claims_made = {"operator_timezone": ZONE, "panaccess_timezone": "UTC", "upstream": "x"}
    adoption.adopt(engine, claims_made | {"panaccess_timezone": "Asia/Tokyo"})
    adoption.adopt(engine, claims_made)
    assert migrating.pending_migrations(engine) == []
    assert read_status(engine)


def settings_of(server: Server, user: str) -> dict[str, str]:
    """The limits that hold for who logs in as that user."""
    names = ",".join(LIMITS)
    return dict(server.ask(f"select name, setting from pg_settings where name = any('{{{names}}}')", user=user))


def refused(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements[:-1]:
            connection.execute(sa.text(statement))
        with pytest.raises(WarehouseError) as told:
            connection.execute(sa.text(statements[-1]))
        assert sqlstate(told.value) == "42501", told.value


LOUD = {
    "log_min_messages": "warning",
    "log_error_verbosity": "default",
    "log_min_error_statement": "error",
    "log_parameter_max_length_on_error": "-1",
}
CANARY = "canary-4711"


def fail(url: str) -> None:
    """A statement, its parameters, a value that cannot be read, a repeated key, a line of COPY: each error quotes the row."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create temporary table people (name text primary key)")
        connection.execute("insert into people values (%s)", [CANARY])
        for statement, values in (
            (f"select '{CANARY}' from nowhere", []),
            ("insert into people values (%s)", [CANARY]),
            ("select cast(%s as text)::integer", [CANARY]),
            ("do $$ begin raise exception '%', (select name from people); end $$", None),
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement, values)
        with pytest.raises(psycopg.Error), connection.cursor() as cursor, cursor.copy("copy people from stdin") as copy:
            copy.write(f"{CANARY}\tmore\n")
