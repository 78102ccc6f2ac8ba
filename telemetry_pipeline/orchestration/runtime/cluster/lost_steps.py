"""Steps that were submitted: their results, and finding those that got lost with a worker or with a broker that keeps nothing.

Celery gives the tasks of a lost worker back after the visibility timeout, which has to be longer than the longest step, and
those of a lost broker never. The process that waits for a step asks instead: is it in a queue, or does a worker have it?
"""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Sequence

import dagster as dg
from celery.exceptions import TaskRevokedError
from celery.result import AsyncResult
from dagster_shared.serdes import deserialize_value

from telemetry_pipeline import broker
from telemetry_pipeline.errors import CodeDiffers, StepInterrupted, StepLost, TelemetryError
from telemetry_pipeline.orchestration.runtime.cluster.attempts import ENDS

LOOK_SECONDS = 15.0
_LOOKS_IN_VAIN = 2

_log = logging.getLogger(__name__)


def known_steps(redis_url: str, run_id: str) -> set[str] | None:
    """Return the steps of a run that are in a queue or with a worker; None when that cannot be said: nobody answers."""
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
        """Note that a step was submitted."""
        self._since[step] = self._clock()
        self._in_vain[step] = 0

    def end(self, step: str) -> None:
        """Forget a step: there is a result of it."""
        self._since.pop(step, None)

    def is_lost(self, step: str) -> bool:
        """Return whether a step is lost that was begun and has not ended. Looks when it is time."""
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


class Turns:
    """Which steps of a run may be with the workers at once: a run that nobody waits for leaves some to those of ticks.

    :param most: how many.
    """

    def __init__(self, most: float = math.inf) -> None:
        self._most = most
        self._taken: set[str] = set()

    def take(self, step: str) -> bool:
        """Return whether it is the step's turn; it is until its end."""
        if len(self._taken) < self._most:
            self._taken.add(step)
        return step in self._taken

    def end(self, step: str) -> None:
        """Let another one have it."""
        self._taken.discard(step)


class WatchedResult:
    """The result of an attempt at a step: to Dagster's loop what Celery's ``AsyncResult`` is, but that it has no errors.

    When ``get`` raises while other steps wait, that loop submits nothing more and never sleeps again, until the run's time is
    up. So whatever goes wrong with an attempt, its submission included, becomes events of its step.

    :param submit: gives the step to Celery, when it is its turn.
    :param conclude: makes the events of an attempt that ended with an error, as a worker would return them. When it raises, for
        PostgreSQL is away, it is asked again in the loop's next turn.
    """

    def __init__(
        self,
        step: str,
        submit: Callable[[], AsyncResult],
        watch: StepWatch,
        conclude: Callable[[Exception], Sequence[str]],
        turns: Turns,
    ) -> None:
        self._step = step
        self._submit = submit
        self._watch = watch
        self._turns = turns
        self._conclude = conclude
        self._events: Sequence[str] | None = None
        self._error: Exception | None = None
        self._result: AsyncResult | None = None
        self._begin()

    def _begin(self) -> None:
        if self._turns.take(self._step):
            try:
                self._result = self._submit()
            except Exception as err:  # noqa: BLE001 - whatever it is
                self._error = err
            self._watch.begin(self._step)

    def ready(self) -> bool:
        """Return whether the attempt has ended."""
        if self._result is None and self._error is None:
            self._begin()
        if self._result is not None and self._events is None and self._error is None:
            try:
                self._events = self._look()
            except Exception as err:  # noqa: BLE001 - whatever it is
                self._error = err
        if self._events is None and self._error and not isinstance(self._error, TaskRevokedError):
            try:
                self._events = self._conclude(self._error)
            except Exception as err:  # noqa: BLE001 - the error of the attempt is kept, and this one may pass
                _log.warning("the end of step %s cannot be noted yet: %s", self._step, err)
                return False
        if self._events is None and self._error is None:
            return False
        self._watch.end(self._step)
        self._turns.end(self._step)
        return True

    def get(self) -> Sequence[str]:
        """Return the events of the step.

        :raises TaskRevokedError: it was revoked before a worker had begun it, for its run was ended.
        """
        if self._events is None:
            assert self._error
            raise self._error
        return self._events

    def revoke(self) -> None:
        """Keep every worker from beginning it."""
        if self._result is None:
            self._error = self._error or TaskRevokedError(f"step {self._step} was not begun")
        else:
            try:
                self._result.revoke()
            except Exception as err:  # noqa: BLE001 - the run ends all the same, and its steps see that
                _log.warning("step %s cannot be taken back: %s", self._step, err)

    def _look(self) -> Sequence[str] | None:
        assert self._result is not None
        if self._result.ready():
            # Raised here, the end of a worker's process would be that of the run's.
            answer = self._result.get(propagate=False)
            if isinstance(answer, Exception):
                raise answer
            if isinstance(answer, BaseException):
                raise StepInterrupted(f"the process that executed step {self._step} ended: {answer!r}")
            return _readable(self._step, answer)
        if self._watch.is_lost(self._step):
            raise StepLost(f"step {self._step} got lost with its worker or broker: nobody has it")
        return None


def _readable(step: str, events: Sequence[str]) -> Sequence[str]:
    """Return the same, if they are a step's from beginning to end; none are those of a step that was not begun, for its run has
    ended.

    :raises CodeDiffers: they are not.
    """
    try:
        types = {deserialize_value(event, dg.DagsterEvent).event_type for event in events}
    except Exception as err:
        raise CodeDiffers(
            f"what a worker answered about step {step} cannot be read, it may be of another version: {err}"
        ) from err
    if types and types.isdisjoint(ENDS):
        raise CodeDiffers(f"a worker did not say how step {step} ended, it may be of another version")
    return events
