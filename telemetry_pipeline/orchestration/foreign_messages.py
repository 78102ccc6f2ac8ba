"""Messages in the queues that are no steps: a worker executes none of them, puts them on record and goes on.

Anything that speaks Redis can put something into a list. Celery would execute any task of its own, and send on the tasks that a
message hangs on to its task; what it cannot read at all ends its worker, with the steps that are at work there, and some of it
goes back into the queue for the next one. ``broker`` counts what still waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from queue import Empty
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from dagster_celery.config import TASK_EXECUTE_PLAN_NAME
from kombu.transport.redis import Channel, Transport

from telemetry_pipeline.broker import is_step
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.settings import Settings
from telemetry_pipeline.warehouse import problems
from telemetry_pipeline.warehouse.database import connect
from telemetry_pipeline.warehouse.problems import Problem

FOREIGN_MESSAGES = "foreign-messages"
"""The key of the problem that there are any; it is over when there was none for an hour."""

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
            _note(f"something in a queue is no message of Celery, and is dropped: {err!r}")
            raise Empty from err


class StepConsumer(Consumer):  # type: ignore[misc]
    """Celery's own, which rejects whatever is not the task of a step, as the process of a run sends it."""

    def create_task_handler(self, *args: Any, **kwargs: Any) -> Callable[[Any], None]:
        """Gives each message to whoever executes its task."""
        handle = super().create_task_handler(*args, **kwargs)

        def handle_or_reject(message: Any) -> None:
            try:
                _check(message)
                handle(message)
            except self.connection_errors:
                raise
            except Exception as err:  # noqa: BLE001 - whatever is wrong with it, the others have to go on
                _note(f"a message in a queue is no step of the pipeline, and is dropped: {err!r}")
                message.reject_log_error(_log, self.connection_errors)

        return handle_or_reject


def _check(message: Any) -> None:
    """See that a message is the task of a step.

    :raises ValueError: it is not. What else is raised says that it cannot be read.
    """
    if message.headers.get("task") != TASK_EXECUTE_PLAN_NAME:
        raise ValueError("it is another task")
    positional, arguments, following = message.payload
    if positional or not is_step(arguments) or any(following.values()):
        raise ValueError("it has other arguments, or tasks that follow it")


def _note(what: str) -> None:
    _log.error("%s", what)
    problem = Problem(
        key=FOREIGN_MESSAGES,
        summary="messages in the queues are no steps of the pipeline",
        detail=what,
        advice="Somebody else writes to the broker, or a process is of another version: restart all of them together. If it "
        "goes on, see who knows REDIS_URL, and give the broker another password.",
    )
    try:
        problems.report(connect(Settings.load().database_url), problem)
    except TelemetryError as err:
        _log.warning("a foreign message could not be put on record: %s", err)
