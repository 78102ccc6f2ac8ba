"""Which of Celery's remote commands workers obey. They come over the broker, from whoever can write there.

Left out are those that end a worker, change how it works, have it read other queues, send tasks, or load modules.
"""

from __future__ import annotations

from typing import Any

from celery.worker import control
from celery.worker.control import Panel

ALLOWED = frozenset(
    {
        *("ping", "stats", "active", "reserved", "scheduled", "revoked", "registered", "active_queues", "conf", "query_task"),
        *("enable_events", "disable_events", "heartbeat", "revoke"),
    }
)


def restrict_remote_control() -> None:
    """Have the workers of this process obey the commands of ALLOWED alone."""
    for name in set(Panel.data) - ALLOWED:
        del Panel.data[name]
    Panel.data["revoke"] = _revoke


def _revoke(state: Any, task_id: Any, **_: object) -> Any:
    """Take back what no worker has begun. A step at work ends with its run, not by a signal from elsewhere."""
    return control.revoke(state, task_id)
