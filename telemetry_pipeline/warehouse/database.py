"""Connections, migrations and locks. What a table means is said in the module of its family."""

from __future__ import annotations

import functools
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy.pool import NullPool

from telemetry_pipeline.addresses import postgres_url
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.reading import reached

_MIGRATIONS = Path(__file__).parent / "migrations"
_CONNECT_TIMEOUT_SECONDS = 10
# Errors go into logs and events: without the parameters of statements, which are people's data.
_HIDE_PARAMETERS = True
_UNKNOWN_VERSION = "the schema in PostgreSQL is of a newer version than this program"


def connect(url: SecretStr | str) -> sa.Engine:
    """An engine on psycopg 3 for any address of PostgreSQL; it keeps no connection open between uses."""
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    return in_utc(
        sa.create_engine(
            postgres_url(text, driver="psycopg"),
            poolclass=NullPool,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_SECONDS},
            hide_parameters=_HIDE_PARAMETERS,
        )
    )


def shared(url: SecretStr | str) -> sa.Engine:
    """An engine for many short transactions: it keeps its connections open, for all who ask for it in this process.

    Connecting takes 5 ms and more, as long as storing a result does.
    """
    text = url.get_secret_value() if isinstance(url, SecretStr) else url
    return _shared(text, os.getpid())


@functools.cache
def _shared(url: str, _process: int) -> sa.Engine:
    # A connection must not be used on both sides of a fork.
    return in_utc(
        sa.create_engine(
            postgres_url(url, driver="psycopg"),
            pool_size=2,
            pool_pre_ping=True,
            connect_args={"connect_timeout": _CONNECT_TIMEOUT_SECONDS},
            hide_parameters=_HIDE_PARAMETERS,
        )
    )


def in_utc(engine: sa.Engine) -> sa.Engine:
    """The engine, with every connection of it in UTC, whatever zone the database or the role has: Dagster's times have none.

    A statement, not an option of the connection: poolers refuse options.
    """

    @sa.event.listens_for(engine, "connect", insert=True)
    def set_zone(connection: Any, _record: object) -> None:
        before, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            cursor.execute("set timezone to 'UTC'")
        connection.autocommit = before

    return engine


def migrate(engine: sa.Engine) -> None:
    """Bring the schema to the newest version; safe at every start, and from several places at once.

    :raises WarehouseError: PostgreSQL is unreachable, or its schema is of a newer version.
    """
    try:
        with reached(), engine.begin() as connection:
            lock(connection, "migrations")
            config = _alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as err:
        raise WarehouseError(f"{_UNKNOWN_VERSION}: {err}") from err


def pending_migrations(engine: sa.Engine) -> list[str]:
    """The migrations that the database still lacks, oldest first.

    :raises WarehouseError: PostgreSQL is unreachable, or its schema is of a newer version.
    """
    with reached(), engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": "telemetry"})
        current = context.get_current_revision()
    script = ScriptDirectory.from_config(_alembic_config())
    try:
        return [revision.revision for revision in script.iterate_revisions("head", current or "base")][::-1]
    except RevisionError as err:
        raise WarehouseError(f"{_UNKNOWN_VERSION}: {err}") from err


def lock(connection: sa.Connection, name: str) -> None:
    """Wait for the advisory lock *name* and hold it until the transaction ends."""
    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(name.encode())})


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction whose statements all see one moment, whatever others commit meanwhile."""
    with engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))  # a configuration file's own escape
    return config
