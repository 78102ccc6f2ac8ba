"""Errors of PostgreSQL as what an operator can do about them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import psycopg2
import psycopg2.errorcodes as codes
import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError, WarehouseUnavailable
from telemetry_pipeline.settings.addresses import redacted

DATABASE_ERRORS = (sa.exc.SQLAlchemyError, psycopg.Error, psycopg2.Error)
"""Whatever the drivers and SQLAlchemy raise; COPY goes past the latter."""

READ_ONLY = (
    "PostgreSQL takes no changes: it is a standby, or default_transaction_read_only is on; name the primary in the address, "
    "or switch that off"
)

_UNREACHABLE = "PostgreSQL cannot be reached"
_OUTDATED = "the database lacks the tables of this version; apply them with 'telemetry-pipeline migrate'"
_FORBIDDEN = "PostgreSQL does not let this user do that"
# What the server, not the statement, is to blame for.
_OF_THE_SERVER = {
    codes.READ_ONLY_SQL_TRANSACTION: READ_ONLY,
    codes.INSUFFICIENT_PRIVILEGE: _FORBIDDEN,
    codes.DISK_FULL: "PostgreSQL has no space left on its disk; make room there",
    codes.OUT_OF_MEMORY: "PostgreSQL has no memory left; if it is its shared memory, raise max_locks_per_transaction",
    codes.TOO_MANY_CONNECTIONS: "PostgreSQL has no connection left; raise max_connections, or end some",
    codes.LOCK_NOT_AVAILABLE: "somebody holds a lock in PostgreSQL for long",
    codes.QUERY_CANCELED: "PostgreSQL ended a statement that took long, or that somebody ended",
    codes.IO_ERROR: "PostgreSQL's disk fails",
    codes.DATA_CORRUPTED: "PostgreSQL's files are damaged; restore a backup",
    codes.INDEX_CORRUPTED: "PostgreSQL's files are damaged; reindex, or restore a backup",
}
_LASTING = {codes.INSUFFICIENT_PRIVILEGE, codes.DATA_CORRUPTED, codes.INDEX_CORRUPTED}
_OF_THE_SCHEMA = {codes.UNDEFINED_TABLE, codes.UNDEFINED_COLUMN, codes.INVALID_SCHEMA_NAME, codes.UNDEFINED_FUNCTION}


def sqlstate(err: BaseException) -> str | None:
    """PostgreSQL's code of an error, whichever driver or SQLAlchemy raised it; None: the server did not get to say one."""
    cause = err.orig if isinstance(err, sa.exc.DBAPIError) else err
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


@contextmanager
def reached() -> Iterator[None]:
    """Turn errors that are the server's, not the statement's, into ours; the rest stays as it is.

    :raises WarehouseUnavailable: the server is unreachable, full, read-only or overloaded, which may pass.
    :raises WarehouseError: its files are damaged, or the user may not do that.
    """
    try:
        yield
    except DATABASE_ERRORS as err:
        code = sqlstate(err) or ""
        sentence = _OF_THE_SERVER.get(code)
        if sentence is None and isinstance(err, sa.exc.OperationalError | psycopg.OperationalError | psycopg2.OperationalError):
            sentence = _UNREACHABLE
        if sentence is None:
            raise
        kind = WarehouseError if code in _LASTING else WarehouseUnavailable
        raise kind(f"{sentence}: {_one_line(err)}") from err


@contextmanager
def explained() -> Iterator[None]:
    """As :func:`reached`, for those who must survive whatever PostgreSQL says, and may meet a schema of another version.

    :raises WarehouseError: for every error of the database.
    """
    try:
        with reached():
            yield
    except DATABASE_ERRORS as err:
        if sqlstate(err) in _OF_THE_SCHEMA:
            raise WarehouseError(_OUTDATED) from err
        raise WarehouseError(f"PostgreSQL answered with an error: {_one_line(err)}") from err


def _one_line(err: Exception) -> str:
    cause = err.orig if isinstance(err, sa.exc.DBAPIError) else err
    return redacted((str(cause).strip() or type(cause).__name__).splitlines()[0])
