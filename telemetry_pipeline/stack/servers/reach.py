"""Servers of others: whether they can be used, and databases on them."""

from __future__ import annotations

import psycopg
import redis
from psycopg import sql

from telemetry_pipeline.errors import BrokerUnavailable, StackError
from telemetry_pipeline.settings.addresses import postgres_url, redacted
from telemetry_pipeline.warehouse.db.errors import explanation

INSTALL = "pip install 'telemetry-pipeline[local]'"
"""What has the stack bring its own servers."""


def at_database(url: str, name: str) -> str:
    """Return the URL of another database of the same server."""
    return postgres_url(url, database=name)


def ensure_database(server_url: str, name: str, owner: str | None = None) -> str:
    """Create the database on the server of that URL unless it is there.

    :param owner: whose it shall be; None: whoever's it is, or else this user's.
    :return: the URL of that database, the rest as in ``server_url``.
    :raises WarehouseError: the server cannot be used.
    :raises StackError: this user may not create databases.
    """
    try:
        with psycopg.connect(postgres_url(server_url), autocommit=True, connect_timeout=5) as connection:
            if connection.execute("select 1 from pg_database where datname = %s", [name]).fetchone() is None:
                connection.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
            if owner is not None:
                connection.execute(sql.SQL("alter database {} owner to {}").format(sql.Identifier(name), sql.Identifier(owner)))
    except psycopg.errors.DuplicateDatabase:
        pass  # another process was faster
    except psycopg.errors.InsufficientPrivilege as err:
        raise StackError(
            f"there is no database {name!r}, and this user may not create it", "create it, or set DAGSTER_DATABASE_URL"
        ) from err
    except psycopg.Error as err:
        raise explanation(err) or err from err
    return at_database(server_url, name)


def check_postgres(url: str) -> None:
    """Connect once.

    :raises WarehouseError: that is not possible.
    """
    try:
        psycopg.connect(postgres_url(url), connect_timeout=5).close()
    except psycopg.Error as err:
        raise explanation(err) or err from err


def check_redis(url: str) -> None:
    """Send one command.

    :raises BrokerUnavailable: no Redis-compatible server takes it; says why.
    """
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5) as client:
            client.ping()
    except redis.RedisError as err:
        raise BrokerUnavailable(f"the broker (REDIS_URL) cannot be used: {_one_line(err)}") from err


def _one_line(err: Exception) -> str:
    return redacted(" ".join(str(err).split()))
