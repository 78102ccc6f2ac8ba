"""Workers that a person has start anew.

They obey no such command of the broker's, where anybody may write who can reach it, but look into PostgreSQL: each ends what it
has at hand and then itself, and whoever looks after it starts it again: the local stack, systemd, or Docker.
"""

from __future__ import annotations

import sqlalchemy as sa

from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.warehouse.operations import restarts


def restart_workers(engine: sa.Engine, record: Record) -> None:
    """Have every worker that runs now end when its steps have, within seconds if it has none.

    :raises WarehouseError: PostgreSQL is away.
    """
    with record.of("workers restarted"):
        restarts.ask(engine)
