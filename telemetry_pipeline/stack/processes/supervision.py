"""Keeps services at work: what ended, or does not do its work, is started again, later each time. The watch tells people.

What not to do one's work means is said by each service (``Service.fault``).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.processes.service import Fault, Service

_DELAYS_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)
_STEADY_SECONDS = 60.0
_LOOK_SECONDS = 10.0
_LOOK_AT_START_SECONDS = 1.0


@dataclass
class _Record:
    """Of one service.

    :ivar endings: how often it ended without a steady time in between.
    :ivar due: when it is launched again.
    :ivar worked: whether it did its work since its launch; until then it has its time to start.
    :ivar next_look: when it is asked whether it works.
    :ivar look: the question that is asked just now, in a thread.
    :ivar faulty_since: since when it has been found not to work.
    :ivar stop: its stopping, in a thread.
    """

    service: Service
    launched: float
    worked: bool
    next_look: float
    endings: int = 0
    due: float | None = None
    look: Future[Fault | None] | None = None
    faulty_since: float | None = None
    stop: Future[None] | None = None


class Supervisor:
    """Looks after services that are ready.

    A worker that loses its broker may end with status 0, so every ending counts as a failure.

    :param say: takes a line for the screen.
    :param clock: seconds, for example ``time.monotonic``.
    """

    def __init__(self, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._say = say
        self._clock = clock
        self._records: list[_Record] = []
        self._threads = ThreadPoolExecutor(max_workers=32, thread_name_prefix="supervisor")

    def add(self, service: Service, *, ready: bool = True) -> None:
        """Look after this one, too.

        :param ready: whether it has been seen to work.
        """
        now = self._clock()
        self._records.append(_Record(service, launched=now, worked=ready, next_look=now + _LOOK_SECONDS))

    def tend(self) -> bool:
        """Start again what ended and is due, and stop what does not work; call it a few times a second, it takes no time.

        :return: whether a process was launched.
        """
        now = self._clock()
        launched = [self._tend(record, now) for record in self._records]
        return any(launched)

    @property
    def has_any(self) -> bool:
        """Whether it looks after any service by now."""
        return bool(self._records)

    def all_ready(self) -> bool:
        """Return whether each of them is there and ready, those too that are not asked every few seconds."""
        return all(record.service.exit_status is None and record.service.is_ready() for record in self._records)

    def close(self) -> None:
        """Ask no more questions."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _tend(self, record: _Record, now: float) -> bool:
        if record.stop is not None and not record.stop.done():
            return False
        record.stop = None
        if record.service.exit_status is None:
            self._examine(record, now)
            return False
        if record.due is None:
            record.service.kill()  # what its process group left behind
            self._put_off(record, now, f"ended (status {record.service.exit_status})")
            return False
        return now >= record.due and self._launch(record, now)

    def _launch(self, record: _Record, now: float) -> bool:
        try:
            record.service.launch()
        except (OSError, StackError) as err:  # a disk is full, for example
            self._put_off(record, now, f"cannot be started: {err}")
            return False
        record.launched, record.due, record.worked = now, None, False
        record.next_look, record.look, record.faulty_since = now + _LOOK_AT_START_SECONDS, None, None
        return True

    def _put_off(self, record: _Record, now: float, why: str) -> None:
        if now - record.launched >= _STEADY_SECONDS and record.due is None:
            record.endings = 0
        delay = _DELAYS_SECONDS[min(record.endings, len(_DELAYS_SECONDS) - 1)]
        record.endings += 1
        record.due = now + delay
        self._say(f"{record.service.title} {why}; again in {delay:g} s, see {record.service.log}")

    def _examine(self, record: _Record, now: float) -> None:
        if record.look is None:
            if now >= record.next_look:
                record.look = self._threads.submit(record.service.fault)
                record.next_look = now + (_LOOK_SECONDS if record.worked else _LOOK_AT_START_SECONDS)
            return
        if not record.look.done():
            return
        error = record.look.exception()
        fault = record.look.result() if error is None else Fault(f"{type(error).__name__}: {error}")
        record.look = None
        if fault is None:
            record.worked, record.faulty_since = True, None
            return
        if record.faulty_since is None:
            record.faulty_since = now
        patience = fault.patience_seconds if record.worked else record.service.start_timeout_seconds
        if now - record.faulty_since >= patience:
            self._say(f"{record.service.title} lives and does not work: {fault.reason}; it is stopped")
            record.stop = self._threads.submit(record.service.stop)
            record.faulty_since = None
