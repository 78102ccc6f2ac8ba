"""Statements about roles and what they have: run, tried, or shown to somebody who may run them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import psycopg2.errorcodes as codes
import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import driver
from telemetry_pipeline.warehouse.db.errors import sqlstate

Statement = sql.SQL | sql.Composed


def run(connection: sa.Connection, statements: Iterable[Statement]) -> None:
    """Run them, once all of them are known."""
    with driver(connection) as session:
        for statement in list(statements):
            session.execute(statement)


def tried(connection: sa.Connection, missing: Callable[[], Iterable[Statement]]) -> list[Statement]:
    """Run all that is missing, or none of it if this user may not.

    :returns: what is missing still: PostgreSQL only warns who grants without the right to.
    """
    try:
        with connection.begin_nested():
            run(connection, missing())
    except WarehouseError as err:
        if sqlstate(err) != codes.INSUFFICIENT_PRIVILEGE:
            raise
    return list(missing())


def texts(connection: sa.Connection, statements: Iterable[Statement]) -> list[str]:
    """Return each as one types it."""
    with driver(connection) as session:
        return [f"{statement.as_string(session)};" for statement in statements]


def pairs(connection: sa.Connection, query: sa.TextClause, **values: Any) -> dict[str, Any]:
    """Return a query's second column by its first."""
    return {name: value for name, value in connection.execute(query, values)}  # noqa: C416 - rows are no tuples to mypy
