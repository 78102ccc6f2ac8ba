"""Errors of PostgreSQL as what an operator can do about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError, WarehouseUnavailable

_OUTDATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedFunction,
)


@contextmanager
def reached() -> Iterator[None]:
    """Turn errors that are the server's, not the statement's, into ours; the rest stays as it is.

    :raises WarehouseUnavailable: the server is unreachable.
    :raises WarehouseError: the user may not do that.
    """
    try:
        yield
    except sa.exc.OperationalError as err:
        raise WarehouseUnavailable(f"PostgreSQL cannot be reached: {_one_line(err)}") from err
    except sa.exc.ProgrammingError as err:
        if isinstance(err.orig, psycopg.errors.InsufficientPrivilege):
            raise WarehouseError(f"PostgreSQL does not let this user do that: {_one_line(err)}") from err
        raise


@contextmanager
def explained() -> Iterator[None]:
    """As :func:`reached`, for reading a schema that may not be this version's.

    :raises WarehouseError: also then.
    """
    try:
        with reached():
            yield
    except sa.exc.ProgrammingError as err:
        if isinstance(err.orig, _OUTDATED):
            raise WarehouseError(
                "the database lacks the tables of this version; apply them with 'telemetry-pipeline migrate'"
            ) from err
        raise


def _one_line(err: sa.exc.DBAPIError) -> str:
    return str(err.orig).strip().splitlines()[0]
