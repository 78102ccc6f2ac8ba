"""Whether the process of a run lives: it holds a lock in PostgreSQL, which the server frees when the process ends, however."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from telemetry_pipeline.warehouse.database import connect


@contextmanager
def alive(database_url: str, run_id: str) -> Iterator[None]:
    """Show that the process of a run lives, as long as the context does."""
    with connect(database_url).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("select pg_advisory_lock(:key)"), {"key": _key(run_id)})
        yield


def is_alive(database_url: str, run_id: str) -> bool:
    """Does any process show that?"""
    with connect(database_url).begin() as connection:
        return not connection.scalar(sa.text("select pg_try_advisory_xact_lock(:key)"), {"key": _key(run_id)})


def _key(run_id: str) -> int:
    """A run's number for PostgreSQL: 64 bits of its id, signed."""
    return int.from_bytes(uuid.UUID(run_id).bytes[:8], signed=True)
