"""Which of Celery's remote commands workers obey, and where they answer. Commands come over the broker, from whoever can write
there.

Left out are those that end a worker, change how it works, have it read other queues, send tasks, or load modules.
"""

from __future__ import annotations

import re
from typing import Any

from celery.worker import control
from celery.worker.control import Panel
from kombu.pidbox import Mailbox, Node

ALLOWED = frozenset(
    {
        *("ping", "stats", "active", "reserved", "scheduled", "revoked", "registered", "active_queues", "conf", "query_task"),
        *("enable_events", "disable_events", "heartbeat", "revoke"),
    }
)

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def restrict_remote_control() -> None:
    """Have the workers of this process obey the commands of ALLOWED alone, and answer into queues of answers alone."""
    for name in set(Panel.data) - ALLOWED:
        del Panel.data[name]
    Panel.data["revoke"] = _revoke
    Mailbox.node_cls = _Node


class _Node(Node):
    mailbox: Any
    channel: Any

    def reply(self, data: Any, exchange: Any, routing_key: Any, ticket: Any, **_: object) -> None:
        """Answer who asks, if that is a client of Celery that waits: not wherever the command, or a binding, says."""
        if exchange != self.mailbox.reply_exchange.name or not isinstance(routing_key, str) or not _UUID.fullmatch(routing_key):
            return
        queue = f"{routing_key}.{exchange}"
        # In a queue that nobody has declared it would stay for ever.
        if queue in (binding[-1] for binding in self.channel.get_table(exchange)):
            super().reply(data, exchange="", routing_key=queue, ticket=ticket)  # type: ignore[no-untyped-call]


def _revoke(state: Any, task_id: Any, **_: object) -> Any:
    """Take back what no worker has begun. A step at work ends with its run, not by a signal from elsewhere."""
    return control.revoke(state, task_id)
