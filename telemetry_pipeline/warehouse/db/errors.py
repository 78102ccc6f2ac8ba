"""What errors of PostgreSQL mean for an operator, and what to do about them. Every engine of ``connections`` raises them so."""

from __future__ import annotations

import psycopg
import psycopg2
import psycopg2.errorcodes as codes
import sqlalchemy as sa

from telemetry_pipeline.errors import StatementFailed, WarehouseError, WarehouseUnavailable
from telemetry_pipeline.settings.addresses import redacted

DATABASE_ERRORS = (sa.exc.DBAPIError, psycopg.Error, psycopg2.Error)
"""Whatever the drivers and SQLAlchemy raise where no engine of ours explains it, such as in Dagster's own storage."""

READ_ONLY = (
    "PostgreSQL takes no changes: it is a standby, or default_transaction_read_only is on",
    "name the primary in the address, or switch that off",
)
"""The problem and the advice."""

_UNREACHABLE = ("PostgreSQL cannot be reached", "")
_OVERLOADED = ("PostgreSQL cannot do that at the moment", "")
# Of https://www.postgresql.org/docs/current/errcodes-appendix.html: connection exceptions, operator intervention; transaction
# rollback, insufficient resources, object not in prerequisite state, system errors.
_CLASSES_OF_CONNECTIONS = ("08", "57")
_CLASSES_OF_RESOURCES = ("40", "53", "55", "58")
_OPERATIONAL = (sa.exc.OperationalError, psycopg.OperationalError, psycopg2.OperationalError)
_OUTDATED = ("the database lacks the tables of this version", "apply them with 'telemetry-pipeline migrate'")
_DAMAGED = "PostgreSQL's files are damaged"
_REFUSED = ("PostgreSQL answered with an error", "")
# What the server, not the statement, is to blame for.
_PASSING = {
    codes.READ_ONLY_SQL_TRANSACTION: READ_ONLY,
    codes.DISK_FULL: ("PostgreSQL has no space left on its disk", "make room there"),
    codes.OUT_OF_MEMORY: ("PostgreSQL has no memory left", "if it is its shared memory, raise max_locks_per_transaction"),
    codes.TOO_MANY_CONNECTIONS: ("PostgreSQL has no connection left", "raise max_connections, or end some"),
    codes.LOCK_NOT_AVAILABLE: ("somebody holds a lock in PostgreSQL for long", ""),
    codes.DEADLOCK_DETECTED: ("PostgreSQL ended a transaction that another one stood in the way of", ""),
    codes.QUERY_CANCELED: ("PostgreSQL ended a statement that took long, or that somebody ended", ""),
    codes.IO_ERROR: ("PostgreSQL's disk fails", "look at the machine's log"),
}
_LASTING = {
    codes.INSUFFICIENT_PRIVILEGE: ("PostgreSQL does not let this user do that", ""),
    codes.DATA_CORRUPTED: (_DAMAGED, "restore a backup"),
    codes.INDEX_CORRUPTED: (_DAMAGED, "reindex, or restore a backup"),
    codes.UNDEFINED_TABLE: _OUTDATED,
    codes.UNDEFINED_COLUMN: _OUTDATED,
    codes.INVALID_SCHEMA_NAME: _OUTDATED,
    codes.UNDEFINED_FUNCTION: _OUTDATED,
}


def explanation(err: BaseException) -> WarehouseError | None:
    """Return what an error of PostgreSQL means, whichever driver raised it; None: it is none."""
    if not isinstance(err, DATABASE_ERRORS):
        return None
    code = sqlstate(err) or ""
    if code in _PASSING:
        return _told(WarehouseUnavailable, _PASSING[code], err)
    if code in _LASTING:
        return _told(WarehouseError, _LASTING[code], err)
    if code.startswith(_CLASSES_OF_CONNECTIONS) or (not code and isinstance(err, _OPERATIONAL)):
        return _told(WarehouseUnavailable, _UNREACHABLE, err)
    if code.startswith(_CLASSES_OF_RESOURCES):
        return _told(WarehouseUnavailable, _OVERLOADED, err)
    return _told(StatementFailed, _REFUSED, err)


def sqlstate(err: BaseException) -> str | None:
    """Return PostgreSQL's code of an error, whoever raised or explained it; None: the server did not get to say one."""
    if isinstance(err, WarehouseError) and err.__cause__:
        return sqlstate(err.__cause__)
    cause = err.orig if isinstance(err, sa.exc.DBAPIError) else err
    return getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)


def explain(context: sa.engine.ExceptionContext) -> WarehouseError | None:
    """Return what an error means, for SQLAlchemy's event ``handle_error``, which raises it with the driver's as its cause."""
    # What a pool finds out about a connection that it kept is its own affair: it makes a new one.
    return None if context.is_pre_ping else explanation(context.original_exception)


def _told(error: type[WarehouseError], means: tuple[str, str], err: BaseException) -> WarehouseError:
    problem, advice = means
    cause = err.orig if isinstance(err, sa.exc.DBAPIError) else err
    said = (str(cause).strip() or type(cause).__name__).splitlines()[0]
    return error(f"{problem}: {redacted(said)}", advice)
