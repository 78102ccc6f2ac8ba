"""What an operator can do when the warehouse cannot be read."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg.errors
import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError

_OUTDATED = (
    psycopg.errors.UndefinedTable,
    psycopg.errors.UndefinedColumn,
    psycopg.errors.InvalidSchemaName,
    psycopg.errors.UndefinedFunction,
)


@contextmanager
def explained() -> Iterator[None]:
    """Turn errors that are PostgreSQL's, not the query's, into ours; the rest stays as it is.

    :raises WarehouseError: the server is unreachable, the user may not read, or the schema is not this version's.
    """
    try:
        yield
    except sa.exc.OperationalError as err:
        raise WarehouseError(f"PostgreSQL cannot be reached: {_one_line(err)}") from err
    except sa.exc.ProgrammingError as err:
        if isinstance(err.orig, psycopg.errors.InsufficientPrivilege):
            raise WarehouseError(f"PostgreSQL does not let this user read: {_one_line(err)}") from err
        if isinstance(err.orig, _OUTDATED):
            raise WarehouseError(
                "the database lacks the tables of this version; apply them with 'telemetry-pipeline migrate'"
            ) from err
        raise


def _one_line(err: sa.exc.DBAPIError) -> str:
    return str(err.orig).strip().splitlines()[0]
