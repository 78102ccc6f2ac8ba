"""Connections and locks. What a table means is said in the module of its family."""

from __future__ import annotations

import functools
import os
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import psycopg2
import psycopg2.errorcodes as codes
import sqlalchemy as sa
from pydantic import SecretStr
from sqlalchemy.pool import NullPool

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.settings.addresses import postgres_url
from telemetry_pipeline.warehouse.db.errors import explain, explanation, sqlstate

_CONNECT_TIMEOUT_SECONDS = 10
# A server that is gone without a word, as after a failover, is noticed within a minute, not in two hours.
_CONNECTING = {
    "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
# Behind a pooler the next transaction may be another session's, which knows none of our prepared statements, or other ones
# by the same names.
_PREPARE_NOTHING = {"prepare_threshold": None}
_LOOK = "set local lock_timeout = '2s'; set local statement_timeout = '15s'"
_HOLDERS = sa.text("""
    select distinct on (pid) format(
        '%s is locked by %s (%sprocess %s of PostgreSQL) since %s', relation::regclass, usename,
        coalesce(nullif(application_name, '') || ', ', ''), pid,
        to_char(xact_start at time zone 'UTC', 'YYYY-MM-DD HH24:MI UTC')
    ) as problem, format('select pg_terminate_backend(%s)', pid) as ends
    from pg_locks join pg_stat_activity using (pid) join pg_class on pg_class.oid = relation
    where granted and mode in ('AccessExclusiveLock', 'ExclusiveLock') and relkind in ('r', 'p')
      and pg_locks.database = (select oid from pg_database where datname = current_database())
      and pid <> pg_backend_pid()
    order by pid, relkind, relation::regclass::text
""")
# Errors go into logs and events: without the parameters of statements, which are people's data.
_HIDE_PARAMETERS = True


def connect(url: SecretStr | str) -> sa.Engine:
    """Return an engine on psycopg 3 for any address of PostgreSQL; it keeps no connection open between uses."""
    return _unpooled(_text(url))


# With its first connection a new engine asks PostgreSQL for what it knows of any afterwards.
@functools.lru_cache(maxsize=16)
def _unpooled(url: str) -> sa.Engine:
    return _ours(
        sa.create_engine(
            postgres_url(url, driver="psycopg"),
            poolclass=NullPool,
            connect_args={**_CONNECTING, **_PREPARE_NOTHING},
            hide_parameters=_HIDE_PARAMETERS,
        )
    )


def shared(url: SecretStr | str) -> sa.Engine:
    """Return an engine for many short transactions: it keeps its connections open, for all who ask for it in this process.

    Connecting takes 5 ms and more, as long as storing a result does.
    """
    return _shared(_text(url), os.getpid())


@functools.cache
def _shared(url: str, _process: int) -> sa.Engine:
    # A connection must not be used on both sides of a fork.
    return _ours(
        sa.create_engine(
            postgres_url(url, driver="psycopg"),
            pool_size=2,
            pool_pre_ping=True,
            connect_args={**_CONNECTING, **_PREPARE_NOTHING},
            hide_parameters=_HIDE_PARAMETERS,
        )
    )


def _text(url: SecretStr | str) -> str:
    return url.get_secret_value() if isinstance(url, SecretStr) else url


def _ours(engine: sa.Engine) -> sa.Engine:
    sa.event.listen(engine, "handle_error", explain)
    return in_utc(engine)


def in_utc(engine: sa.Engine) -> sa.Engine:
    """Return the engine, with every connection of it in UTC, whatever zone the database or the role has: Dagster's times have
    none.

    A statement, not an option of the connection: poolers refuse options.
    """

    @sa.event.listens_for(engine, "connect", insert=True)
    def set_zone(connection: Any, _record: object) -> None:
        before, connection.autocommit = connection.autocommit, True
        with connection.cursor() as cursor:
            cursor.execute("set timezone to 'UTC'")
        connection.autocommit = before

    return engine


def looking(url: SecretStr | str) -> sa.Engine:
    """Return an engine for somebody who looks and cannot wait: what a person has locked for two seconds is an error that names
    them.

    Every transaction raises :class:`WarehouseError` then.
    """
    engine = _unpooled.__wrapped__(_text(url))
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql(_LOOK))
    sa.event.listen(engine, "handle_error", _name_who_holds)
    return engine


def _name_who_holds(context: sa.engine.ExceptionContext) -> None:
    if sqlstate(context.original_exception) == codes.LOCK_NOT_AVAILABLE and context.engine is not None:
        with connect(context.engine.url.render_as_string(hide_password=False)).connect() as connection:
            holders = connection.execute(_HOLDERS).all()
        if holders:
            problem = "; ".join(holder.problem for holder in holders)
            ends = "; ".join(holder.ends for holder in holders)
            raise WarehouseError(problem, f"end that, or let the server do so: {ends}") from context.original_exception


def lock(connection: sa.Connection, name: str) -> None:
    """Wait for the advisory lock *name* and hold it until the transaction ends."""
    connection.execute(sa.text("select pg_advisory_xact_lock(:key)"), {"key": zlib.crc32(name.encode())})


@contextmanager
def driver(connection: sa.Connection) -> Iterator[Any]:
    """Provide the driver's own connection, for what goes past SQLAlchemy, such as COPY; what it raises is explained all the
    same.
    """
    try:
        yield connection.connection.driver_connection
    except (psycopg.Error, psycopg2.Error) as err:
        raise explanation(err) or err from err


@contextmanager
def snapshot(engine: sa.Engine) -> Iterator[sa.Connection]:
    """Provide a transaction whose statements all see one moment, whatever others commit meanwhile."""
    with engine.connect() as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        with connection.begin():
            yield connection
