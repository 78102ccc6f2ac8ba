"""Sessions of PostgreSQL for checks: with psycopg alone, so that what is wrong with a server is not in the way of saying it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from telemetry_pipeline.settings.addresses import postgres_url
from telemetry_pipeline.warehouse.db.errors import explanation

_CONNECT_SECONDS = 10


@contextmanager
def transaction(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Provide a transaction that waits for no lock of others for long.

    :raises WarehouseError: as :func:`open_session`.
    """
    with open_session(url) as session, session.transaction():
        session.execute("set local statement_timeout = '20s'")
        session.execute("set local lock_timeout = '2s'")
        yield session


@contextmanager
def open_session(url: str) -> Iterator[psycopg.Connection[Any]]:
    """Provide a session that reads text whatever the database's encoding is. Nothing is set in it, for a pooler would pass that
    on.

    :raises WarehouseError: the server does not answer, or refuses.
    """
    try:
        with psycopg.connect(
            postgres_url(url), autocommit=True, client_encoding="utf8", connect_timeout=_CONNECT_SECONDS, prepare_threshold=None
        ) as session:
            yield session
    except psycopg.errors.InvalidParameterValue:
        raise
    except psycopg.Error as err:
        raise explanation(err) or err from err


def one(session: psycopg.Connection[Any], query: str) -> Any:
    """Return the first value of the first row."""
    row = session.execute(query.encode()).fetchone()
    return row[0] if row else None
