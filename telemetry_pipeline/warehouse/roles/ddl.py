"""Statements about roles and what they have: run, tried, or shown to somebody who may run them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import psycopg
import psycopg2.errorcodes as codes
import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.warehouse.db.errors import DATABASE_ERRORS, sqlstate

Statement = sql.SQL | sql.Composed


def run(connection: sa.Connection, statements: Iterable[Statement]) -> None:
    """Run them, once all of them are known."""
    for statement in list(statements):
        driver(connection).execute(statement)


def tried(connection: sa.Connection, missing: Callable[[], Iterable[Statement]]) -> list[Statement]:
    """Run all that is missing, or none of it if this user may not.

    :returns: what is missing still: PostgreSQL only warns who grants without the right to.
    """
    try:
        with connection.begin_nested():
            run(connection, missing())
    except DATABASE_ERRORS as err:
        if sqlstate(err) != codes.INSUFFICIENT_PRIVILEGE:
            raise
    return list(missing())


def texts(connection: sa.Connection, statements: Iterable[Statement]) -> list[str]:
    """Each as one types it."""
    return [f"{statement.as_string(driver(connection))};" for statement in statements]


def pairs(connection: sa.Connection, query: sa.TextClause, **values: Any) -> dict[str, Any]:
    """Two columns of what is there, the first one by which it is known."""
    return {name: value for name, value in connection.execute(query, values)}  # noqa: C416 - rows are no tuples to mypy


def driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    """The driver's own connection."""
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
