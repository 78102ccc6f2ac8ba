"""Finding steps that got lost: with the worker that had them, or with a broker that keeps nothing.

Celery gives the tasks of a lost worker back after the visibility timeout, which has to be longer than the longest step, and
those of a lost broker never. The process that waits for a step asks instead: is it in a queue, or does a worker have it?
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Any

from celery.result import AsyncResult

from telemetry_pipeline import broker
from telemetry_pipeline.errors import TelemetryError

LOOK_SECONDS = 15.0
_LOOKS_IN_VAIN = 2
_SUBMISSIONS = 3

_log = logging.getLogger(__name__)


class StepLost(Exception):
    """A step got lost again and again; likely its worker dies of it."""


def known_steps(redis_url: str, run_id: str) -> set[str] | None:
    """The steps of a run that are in a queue or with a worker; None when that cannot be said: nobody answers."""
    try:
        waiting = broker.steps_waiting(redis_url)
        workers = broker.workers(redis_url)
    except TelemetryError as err:
        _log.warning("lost steps cannot be looked for: %s", err)
        return None
    if not workers:
        return None
    return {step.step for step in [*waiting, *(step for worker in workers for step in worker.steps)] if step.run_id == run_id}


class StepWatch:
    """Says which steps of a run nobody has. A step counts as lost when two looks in a row, 15 s apart, do not find it.

    :param look: as :func:`known_steps`.
    :param clock: seconds.
    """

    def __init__(self, look: Callable[[], set[str] | None], clock: Callable[[], float] = time.monotonic) -> None:
        self._look = look
        self._clock = clock
        self._since: dict[str, float] = {}
        self._in_vain: dict[str, int] = {}
        self._looked_at = float("-inf")

    def begin(self, step: str) -> None:
        """A step was submitted."""
        self._since[step] = self._clock()
        self._in_vain[step] = 0

    def end(self, step: str) -> None:
        """There is a result."""
        self._since.pop(step, None)

    def is_lost(self, step: str) -> bool:
        """Is a step lost that was begun and has not ended? Looks when it is time."""
        now = self._clock()
        if now - max(self._looked_at, self._since[step]) >= LOOK_SECONDS:
            self._looked_at = now
            known = self._look()
            for each, since in self._since.items():
                if known is None or each in known:
                    self._in_vain[each] = 0
                elif now - since >= LOOK_SECONDS:
                    self._in_vain[each] += 1
        return self._in_vain[step] >= _LOOKS_IN_VAIN


class WatchedResult:
    """The result of a step that is submitted again when it got lost, twice at most.

    It is to Dagster's loop what Celery's ``AsyncResult`` is.
    """

    def __init__(self, step: str, submit: Callable[[], AsyncResult], watch: StepWatch, warn: Callable[[str], object]) -> None:
        self._step = step
        self._submit = submit
        self._watch = watch
        self._warn = warn
        self._submissions = 0
        self._result = self._submitted()

    def ready(self) -> bool:
        """Is there a result, or no hope for one?"""
        if self._result.ready():
            self._watch.end(self._step)
            return True
        if not self._watch.is_lost(self._step):
            return False
        if self._submissions == _SUBMISSIONS:
            return True
        self._warn(f"Step {self._step} got lost with its worker or broker; it is submitted again.")
        self._result = self._submitted()
        return False

    def get(self) -> Any:
        """The events of the step, as Celery gives them.

        :raises StepLost: it got lost three times.
        """
        if not self._result.ready():
            raise StepLost(f"step {self._step} got lost {_SUBMISSIONS} times with its worker or broker")
        return self._result.get()

    def revoke(self) -> None:
        """Have no worker begin it."""
        self._result.revoke()

    def _submitted(self) -> AsyncResult:
        self._submissions += 1
        self._watch.begin(self._step)
        return self._submit()
