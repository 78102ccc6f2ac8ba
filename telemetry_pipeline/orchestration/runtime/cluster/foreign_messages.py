"""Messages in the queues that are no steps: a worker executes none of them, puts them on record and goes on.

Anything that speaks Redis can put something into a list. Celery would execute any task of its own, and send on the tasks that a
message hangs on to its task; what it cannot read at all ends its worker, with the steps that are at work there, and some of it
goes back into the queue for the next one. ``broker`` counts what still waits.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Empty
from typing import Any

from celery import Celery
from celery.worker.consumer import Consumer
from dagster_celery.config import TASK_EXECUTE_PLAN_NAME
from kombu.transport import virtual
from kombu.transport.redis import Channel, QoS, Transport

from telemetry_pipeline.broker import is_step
from telemetry_pipeline.settings.loading import PipelineSettings
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem

FOREIGN_MESSAGES = "foreign-messages"
"""The key of the problem that there are any; it is over when there was none for an hour."""

# What the headers of a task say that is just to be executed, now and by itself.
_PLAIN: dict[str, object] = {
    "eta": None,
    "expires": None,
    "group": None,
    "retries": 0,
    "timelimit": [None, None],
    "shadow": None,
    "stamped_headers": None,
    "stamps": {},
    "replaced_task_nesting": 0,
}
_LONGEST_NOTE = 500

_log = logging.getLogger(__name__)


def pass_over_foreign_messages(app: Celery) -> None:
    """Have the workers of *app*, and of any other in this process, live through whatever is in their queues."""
    app.conf.worker_consumer = StepConsumer
    Transport.Channel = QueueChannel


def _is_of_the_connection(err: Exception, errors: tuple[type[Exception], ...]) -> bool:
    """Return whether there is none any more; kombu takes what a message lacks for that, too."""
    return isinstance(err, errors) and not isinstance(err, KeyError)


class GivenBack(QoS):
    """The messages that workers have taken; what is among them and is no message cannot be given back to a queue."""

    def restore_by_tag(self, tag: Any, client: Any = None, leftmost: bool = False) -> None:
        """Give a message back to its queue, or drop it."""
        try:
            super().restore_by_tag(tag, client, leftmost)  # type: ignore[no-untyped-call]
        except Exception as err:
            if _is_of_the_connection(err, self.channel.connection_errors):
                raise
            note_foreign(f"something that a worker has is no message of Celery, and is dropped: {err!r}")
            self._remove_from_indices(tag).execute()  # type: ignore[no-untyped-call]


class PlainMessage(virtual.Message):
    """One that is no larger than it looks."""

    def __init__(self, payload: Any, *args: Any, **options: Any) -> None:
        if payload["headers"].get("compression"):
            raise ValueError("it is compressed")
        super().__init__(payload, *args, **options)  # type: ignore[no-untyped-call]


class QueueChannel(Channel):
    """A connection to the queues, and to remote commands, that drops what is no message: not JSON, without properties, in an
    unknown encoding.
    """

    QoS = GivenBack
    Message = PlainMessage

    def _brpop_read(self, **options: Any) -> Any:
        with self._dropping():
            return super()._brpop_read(**options)  # type: ignore[no-untyped-call]

    def _receive_one(self, client: Any) -> Any:
        with self._dropping():
            return super()._receive_one(client)  # type: ignore[no-untyped-call]

    @contextmanager
    def _dropping(self) -> Iterator[None]:
        try:
            yield
        except Exception as err:
            if isinstance(err, Empty) or _is_of_the_connection(err, self.connection_errors):
                raise
            note_foreign(f"something in a queue is no message of Celery, and is dropped: {err!r}")
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
            except Exception as err:
                if _is_of_the_connection(err, self.connection_errors):
                    raise
                note_foreign(f"a message in a queue is no step of the pipeline, and is dropped: {err!r}")
                if not message.acknowledged:
                    message.reject_log_error(_log, self.connection_errors)

        return handle_or_reject


def _check(message: Any) -> None:
    """Refuse a message that is not the task of a step.

    :raises ValueError: it is not. What else is raised says that it cannot be read.
    """
    if message.headers.get("task") != TASK_EXECUTE_PLAN_NAME:
        raise ValueError("it is another task")
    if not isinstance(message.headers["id"], str):
        raise ValueError("its id is no text")
    if odd := [name for name, plain in _PLAIN.items() if message.headers.get(name, plain) != plain]:
        raise ValueError(f"it wants more than to be executed: {', '.join(odd)}")
    positional, arguments, following = message.payload
    if positional or not is_step(arguments) or any(following.values()):
        raise ValueError("it has other arguments, or tasks that follow it")


def note_foreign(what: str) -> None:
    """Say that there was a message which is no step, and put it on record if that is possible. It raises nothing."""
    what = what if len(what) <= _LONGEST_NOTE else f"{what[:_LONGEST_NOTE]}..."
    _log.error("%s", what)
    try:
        problems.report(connect(PipelineSettings.load().database_url), Problem.of(FOREIGN_MESSAGES, what))
    except Exception as err:  # noqa: BLE001 - whatever happens, the worker goes on
        _log.warning("a foreign message could not be put on record: %s", err)
