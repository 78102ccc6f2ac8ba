"""Messages in the queues that are no steps: a worker logs them and goes on. What they are, ``broker`` counts.

Anything that speaks Redis can put something into a list. Celery itself answers for tasks that it does not know; what it cannot
read at all ends its worker, with the steps that are at work there, and some of it goes back into the queue for the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from kombu.transport.redis import Channel, Transport

_log = logging.getLogger(__name__)


def pass_over_foreign_messages(app: Celery) -> None:
    """Have the workers of *app*, and of any other in this process, live through whatever is in their queues."""
    app.conf.worker_consumer = StepConsumer
    Transport.Channel = QueueChannel


class QueueChannel(Channel):
    """A connection to the queues that drops what is no message: not JSON, without properties, in an unknown encoding."""

    def _brpop_read(self, **options: Any) -> Any:
        try:
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]
        except (*self.connection_errors, Empty):
            raise
        except Exception as err:
            _log.error("something in a queue is no message of Celery, and is dropped: %r", err)
            raise Empty from err


class StepConsumer(Consumer):  # type: ignore[misc]
    """Celery's own, which rejects a message that cannot be understood."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Gives each message to whoever executes its task."""
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_reject(message: Any) -> None:
            try:
                handle(message)
            except self.connection_errors:
                raise
            except Exception as err:  # noqa: BLE001 - whatever is wrong with it, the others have to go on
                _log.error("a message in a queue cannot be understood, and is dropped: %r", err)
                message.reject_log_error(_log, self.connection_errors)

        return handle_or_reject
