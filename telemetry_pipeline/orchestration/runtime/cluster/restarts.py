"""A worker that starts anew when a person asks for it: it ends what it has at hand, then itself; others start it again.

They ask in PostgreSQL, see ``remote_control`` for why not over the broker.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from celery.signals import worker_ready, worker_shutdown
from pydantic import SecretStr

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.restarts import asked_at

LOOK_SECONDS = 5.0

_log = logging.getLogger(__name__)


def end_when_asked(database_url: SecretStr) -> None:
    """Have the worker of this process look every few seconds whether it is to."""
    ends = threading.Event()

    def begin(**_: Any) -> None:
        engine = connect(database_url)
        looking = (lambda: asked_at(engine), ends, _end)
        threading.Thread(target=look_until_asked, args=looking, name="restarts", daemon=True).start()

    def stop(**_: Any) -> None:
        ends.set()

    worker_ready.connect(begin, weak=False)
    worker_shutdown.connect(stop, weak=False)


def look_until_asked(asked: Callable[[], datetime | None], ends: threading.Event, end: Callable[[], None]) -> None:
    """Call *end* when somebody asks for a restart after the first look; what was asked for before is over.

    :param asked: when somebody last did; while it raises :class:`WarehouseError`, nobody does.
    :param ends: nobody needs to look any more.
    """
    known: list[datetime | None] = []
    while True:
        try:
            known.append(asked())
        except WarehouseError as err:
            _log.debug("whether to start anew cannot be looked up: %s", err)
        if known and known[-1] != known[0]:
            _log.info("somebody has the workers start anew: this one ends when its steps have")
            end()
            return
        del known[1:]
        if ends.wait(LOOK_SECONDS):
            return


def _end() -> None:
    # As whoever looks after it would: Celery waits for the steps at hand.
    os.kill(os.getpid(), signal.SIGTERM)
