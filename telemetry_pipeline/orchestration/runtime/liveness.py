"""Whether the process of a run lives: it holds a lock in PostgreSQL, which the server frees when the process ends, however.

The lock belongs to a session, and sessions end for other reasons, too: a failover, a restart, somebody who ends it. So a
thread looks after it and takes it again in a new one, and who judges gives it time for that.
"""

from __future__ import annotations

import logging
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import connect

GRACE_SECONDS = 10.0
"""How long a process that lives may be without its lock: a look, and a new connection."""

_LOOK_SECONDS = 2.0
_FIRST_LOOK_SECONDS = 10.0

# Timeouts that would end the session; and of a machine that is gone, the server learns within a minute, not in two hours.
_PROTECT = sa.text("""
    select set_config(name, value, false) from pg_settings join (values
        ('idle_session_timeout', '0'), ('statement_timeout', '0'), ('lock_timeout', '0'),
        ('tcp_keepalives_idle', '30'), ('tcp_keepalives_interval', '10'), ('tcp_keepalives_count', '3')
    ) as wanted (name, value) using (name)
""")
_TAKE = sa.text("select pg_try_advisory_lock(:key)")

_log = logging.getLogger(__name__)


@contextmanager
def alive(database_url: str, run_id: str) -> Iterator[None]:
    """Show that the process of a run lives, as long as the context does, whatever becomes of the connection."""
    shown, ended = threading.Event(), threading.Event()
    keeper = threading.Thread(target=_keep, args=(database_url, run_id, shown, ended), name="alive", daemon=True)
    keeper.start()
    shown.wait(_FIRST_LOOK_SECONDS)
    try:
        yield
    finally:
        ended.set()
        keeper.join(_LOOK_SECONDS)


def is_alive(database_url: str, run_id: str) -> bool:
    """Return whether any process shows that."""
    with connect(database_url).begin() as connection:
        return not connection.scalar(sa.text("select pg_try_advisory_xact_lock(:key)"), {"key": _key(run_id)})


def _keep(database_url: str, run_id: str, shown: threading.Event, ended: threading.Event) -> None:
    engine = connect(database_url)
    while not ended.is_set():
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                connection.execute(_PROTECT)
                # A session that has the lock gets it again, so that this is the look at it, too. Another one may have it
                # still: one of this process, of which the server does not know yet that it is gone.
                while True:
                    if connection.scalar(_TAKE, {"key": _key(run_id)}):
                        shown.set()
                    if ended.wait(_LOOK_SECONDS):
                        return
        except WarehouseError as err:
            _log.warning("run %s: the session that shows that its process lives has ended, a new one begins: %s", run_id, err)
            ended.wait(_LOOK_SECONDS)


def _key(run_id: str) -> int:
    """Return a run's number for PostgreSQL: 64 bits of its id, signed."""
    return int.from_bytes(uuid.UUID(run_id).bytes[:8], signed=True)
