"""When a person last asked for workers to start anew: what a worker looks at that is at work."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

_ASK = sa.text("""
    insert into telemetry.worker_restarts (only_row, asked_at) values (true, clock_timestamp())
    on conflict (only_row) do update set asked_at = excluded.asked_at
""")
_ASKED = sa.text("select asked_at from telemetry.worker_restarts")


def ask(engine: sa.Engine) -> None:
    """Have them do so."""
    with engine.begin() as connection:
        connection.execute(_ASK)


def asked_at(engine: sa.Engine) -> datetime | None:
    """Return when that was; None: never."""
    with engine.connect() as connection:
        found: datetime | None = connection.scalar(_ASKED)
    return found
