"""Queues that a person empties.

A run whose step is thrown away goes on: within a minute it finds that nobody has the step, and puts it into the queue again,
which counts as one of the step's tries. So who wants to be rid of what waits has its runs cancelled, too.
"""

from __future__ import annotations

from dataclasses import dataclass

from telemetry_pipeline import broker
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.steering.runs import Cancelled, cancel_these
from telemetry_pipeline.suggestions import meant


@dataclass(frozen=True)
class Emptied:
    """What came of it.

    :ivar messages: how many were thrown away.
    """

    messages: int
    cancelled: Cancelled


def find_queue(name: str) -> str:
    """Return the queue of that name.

    :raises RequestRefused: there is none; says which there are.
    """
    if name in broker.QUEUES:
        return name
    raise RequestRefused(f"there is no queue {name!r}", meant(name, broker.QUEUES) or f"queues: {', '.join(broker.QUEUES)}")


def runs_waiting(redis_url: str, queue: str) -> list[str]:
    """Return the runs whose steps wait there.

    :raises BrokerUnavailable: the broker does not answer.
    """
    return list(dict.fromkeys(step.run_id for step in broker.steps_waiting(redis_url, [queue])))


def empty_queue(client: TelemetryClient | None, record: Record, redis_url: str, queue: str) -> Emptied:
    """Throw away what waits in a queue.

    :param client: to cancel the runs whose steps wait there, before; None: they go on.
    :raises BrokerUnavailable: the broker does not answer.
    """
    find_queue(queue)
    runs = runs_waiting(redis_url, queue)
    cancelled = Cancelled((), {}) if client is None else cancel_these(client, record, runs)
    with record.of("queue emptied", queue=queue, runs=runs):
        return Emptied(broker.empty(redis_url, queue), cancelled)
