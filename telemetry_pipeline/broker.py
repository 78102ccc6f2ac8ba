"""Looks at the broker and its workers: which steps wait in the queues, which are at work, and where; and empties a queue, which
is all that it changes.

What goes into the queues, and what a run without any message means, is decided elsewhere.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
from base64 import b64decode
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import celery
import kombu.exceptions
import redis
from kombu.transport.redis import Channel

from telemetry_pipeline.errors import BrokerUnavailable, TelemetryError
from telemetry_pipeline.settings.addresses import celery_url, redacted
from telemetry_pipeline.settings.addresses import redis_url as as_redis_url

QUEUES = ("ingest", "analysis", "reports")
STEP_ARGUMENTS = {"run_id": str, "step": str, "attempt": int}
"""Of the task that executes a step: which attempt that is, from 0."""

_LONGEST_NAME = 255
_ATTEMPTS = range(2**15)

_TIMEOUT_SECONDS = 5.0

Json = dict[str, Any]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Step:
    """A step in the hands of a worker.

    :ivar at_work: whether it is being executed; else the worker has it in store.
    """

    run_id: str
    step: str
    at_work: bool


@dataclass(frozen=True)
class WorkerInfo:
    """A worker that answers.

    :ivar pid: of its main process.
    :ivar processes: ids of the child processes that execute steps.
    :ivar task_ids: of the messages that it has, those that are no steps included.
    """

    node: str
    pid: int
    queues: tuple[str, ...]
    steps: tuple[Step, ...]
    processes: tuple[int, ...]
    task_ids: frozenset[str] = frozenset()

    @property
    def run_ids(self) -> frozenset[str]:
        """The runs that it has steps of."""
        return frozenset(step.run_id for step in self.steps)


def waiting(redis_url: str) -> dict[str, int]:
    """Return how many messages wait in each queue for a worker to take them.

    :raises BrokerUnavailable: the broker does not answer.
    """
    with _asking(redis_url) as client:
        return {queue: sum(int(client.llen(name)) for name in _lists(queue)) for queue in QUEUES}


def unacknowledged(redis_url: str) -> dict[str, str | None]:
    """Return the messages that a worker has taken whose steps have not ended: by their tag, the task's id; None for what is no
    message of Celery. Those of a worker that died are among them until the visibility timeout has passed and they are handed
    out again.

    :raises BrokerUnavailable: the broker does not answer.
    """
    with _asking(redis_url) as client:
        return {tag.decode(errors="replace"): _task_id(kept) for tag, kept in client.hgetall(Channel.unacked_key).items()}


def steps_waiting(redis_url: str, queues: Iterable[str] = QUEUES) -> list[Step]:
    """Return the steps that wait in these queues. What else is there is passed over, see :func:`foreign_waiting`.

    A step goes from the queue to a worker, so who wants to know which ones nobody has asks here first, then :func:`workers`.

    :raises BrokerUnavailable: the broker does not answer.
    """
    return [step for steps in _waiting(redis_url, queues) for step in steps]


def foreign_waiting(redis_url: str) -> int:
    """Return how many messages wait in the queues that are no steps: other programs' tasks, or nothing that can be read.

    :raises BrokerUnavailable: the broker does not answer.
    """
    return sum(not steps for steps in _waiting(redis_url))


def empty(redis_url: str, queue: str) -> int:
    """Throw away every message that waits in a queue, steps or not; how many those were.

    :raises BrokerUnavailable: the broker does not answer.
    """
    names = list(_lists(queue))
    with _asking(redis_url) as client, client.pipeline(transaction=True) as at_once:
        for name in names:
            at_once.llen(name)
        at_once.delete(*names)
        return sum(at_once.execute()[: len(names)])


def workers(redis_url: str, timeout_seconds: float = 1.0) -> list[WorkerInfo]:
    """Return the workers that answer, by name. It takes *timeout_seconds* at least: nobody knows how many there are.

    :raises TelemetryError: the broker does not answer, a worker fell silent in the middle, or what came is no worker's answer.
    """
    try:
        return _workers(redis_url, timeout_seconds)
    except (LookupError, TypeError, ValueError, AttributeError) as err:
        raise TelemetryError(f"somebody answers in the place of workers, and not as they do: {err!r:.200}") from err


def unserved(workers: Iterable[WorkerInfo]) -> list[str]:
    """Return the queues that none of these workers takes steps from."""
    served = {queue for worker in workers for queue in worker.queues}
    return [queue for queue in QUEUES if queue not in served]


def asking_celery(redis_url: str, timeout_seconds: float = _TIMEOUT_SECONDS) -> celery.Celery:
    """Return Celery for remote commands alone; it gives back to no queue what workers have, which may be no message."""
    app = celery.Celery(broker=celery_url(redis_url), set_as_current=False)
    # By themselves connections to the broker wait for ever.
    app.conf.broker_transport_options = {"socket_timeout": timeout_seconds, "unacked_restore_limit": 0}
    return app


def _workers(redis_url: str, timeout_seconds: float) -> list[WorkerInfo]:
    with _asking(redis_url) as client:
        client.ping()  # Celery would try for minutes
    # On a connection of its own: Celery's pool would keep it open, and a process that is forked later, as a worker's are, would
    # wait for an answer on it, for ever.
    with asking_celery(redis_url) as app, app.connection_for_write() as connection:
        try:
            queues = app.control.inspect(timeout=timeout_seconds, connection=connection).active_queues()
            if not queues:
                return []
            # Those that are named are waited for until they have answered, which takes milliseconds.
            named = app.control.inspect(destination=list(queues), timeout=_TIMEOUT_SECONDS, connection=connection)
            # In the order in which a task goes through them.
            answers = [queues, *(ask() or {} for ask in (named.scheduled, named.reserved, named.active, named.stats))]
        except (kombu.exceptions.OperationalError, redis.RedisError) as err:
            raise _no_answer(err) from err
    if silent := [node for node in queues if any(node not in answer for answer in answers)]:
        raise TelemetryError(f"workers fell silent: {', '.join(sorted(silent))}")
    return [_worker(node, *(answer[node] for answer in answers)) for node in sorted(queues)]


def _worker(
    node: str, queues: list[Json], scheduled: list[Json], reserved: list[Json], active: list[Json], stats: Json
) -> WorkerInfo:
    tasks = {task["id"]: (task["kwargs"], True) for task in active}
    for task in (*reserved, *(entry["request"] for entry in scheduled)):
        tasks.setdefault(task["id"], (task["kwargs"], False))
    return WorkerInfo(
        node=node,
        pid=stats["pid"],
        queues=tuple(queue["name"] for queue in queues),
        steps=tuple(step for kwargs, at_work in tasks.values() for step in _steps(kwargs, at_work=at_work)),
        processes=tuple(stats["pool"].get("processes", ())),
        task_ids=frozenset(tasks),
    )


def _lists(queue: str) -> Iterable[str]:
    """Return the lists of Redis that a queue consists of: one for each priority, 0 without a suffix."""
    return (f"{queue}{Channel.sep}{priority}" if priority else queue for priority in Channel.priority_steps)


def _waiting(redis_url: str, queues: Iterable[str] = QUEUES) -> list[list[Step]]:
    """Return the steps of each message that waits; none of one that is not ours."""
    with _asking(redis_url) as client:
        found = [(queue, message) for queue in queues for name in _lists(queue) for message in client.lrange(name, 0, -1)]
    steps = []
    for queue, message in found:
        steps.append(list(_steps(_keyword_arguments(message), at_work=False)))
        if not steps[-1]:
            _warn_of_foreign(queue, hashlib.sha256(message).hexdigest())
    return steps


@functools.lru_cache(maxsize=10_000)
def _warn_of_foreign(queue: str, digest: str) -> None:
    """Warn once of each message, and without its content, which may be anything."""
    _log.warning("a message in the queue %s is no step of the pipeline, and is passed over (SHA-256 %.12s)", queue, digest)


def _keyword_arguments(message: bytes) -> Any:
    """Return those of the task that a message asks for; of protocol 2 of Celery: the body is ``[args, kwargs, embed]``.

    None of a message that is nothing of the kind: anybody can put anything into a list of Redis.
    """
    try:
        _args, kwargs, _embed = json.loads(b64decode(json.loads(message)["body"]))
    except (ValueError, TypeError, KeyError, RecursionError):
        return None
    return kwargs


def _task_id(kept: bytes) -> str | None:
    """Return the task of a message that a worker has, which kombu keeps with exchange and routing key; None: none."""
    try:
        message, _exchange, _routing_key = json.loads(kept)
        return str(message["headers"]["id"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return None


def is_step(kwargs: Any) -> bool:
    """Return whether these are the arguments of a task that executes a step: as the run's process sends them, and nothing
    besides.
    """
    if not isinstance(kwargs, dict) or {name: type(value) for name, value in kwargs.items()} != STEP_ARGUMENTS:
        return False
    names = (kwargs["run_id"], kwargs["step"])
    return all(name.isprintable() and 0 < len(name) <= _LONGEST_NAME for name in names) and kwargs["attempt"] in _ATTEMPTS


def _steps(kwargs: Any, *, at_work: bool) -> Iterator[Step]:
    """Yield the step that a task executes; none of any other task."""
    if is_step(kwargs):
        yield Step(kwargs["run_id"], kwargs["step"], at_work)


@contextmanager
def _asking(redis_url: str) -> Iterator[Any]:
    try:
        with redis.Redis.from_url(
            as_redis_url(redis_url), socket_connect_timeout=_TIMEOUT_SECONDS, socket_timeout=_TIMEOUT_SECONDS
        ) as client:
            yield client
    except redis.RedisError as err:
        raise _no_answer(err) from err


def _no_answer(err: Exception) -> BrokerUnavailable:
    return BrokerUnavailable(f"the broker does not answer: {redacted(' '.join(str(err).split()))}")
