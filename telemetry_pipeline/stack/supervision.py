"""Keeps services running: a process that ended is launched again, later each time. The watch tells people meanwhile."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from telemetry_pipeline.stack.processes import Service

_DELAYS_SECONDS = (0.5, 1, 2, 4, 8, 15, 30)
_STEADY_SECONDS = 60.0


@dataclass
class _Record:
    """Of one service: how often it ended without a steady time in between, and what comes next."""

    launched: float
    endings: int = 0
    due: float | None = None


class Supervisor:
    """Looks after services that were all started.

    A worker that loses its broker may end with status 0, so every ending counts as a failure.

    :param say: takes a line for the screen.
    :param clock: seconds, for example ``time.monotonic``.
    """

    def __init__(
        self, services: Sequence[Service], say: Callable[[str], None], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._services = services
        self._say = say
        self._clock = clock
        self._records = {service.name: _Record(launched=clock()) for service in services}

    def tend(self) -> bool:
        """Launch again what ended and is due; call it a few times a second.

        :return: whether a process was launched.
        """
        launched = False
        now = self._clock()
        for service in self._services:
            if service.exit_status is None:
                continue
            record = self._records[service.name]
            if record.due is None:
                self._schedule(service, record, now)
            elif now >= record.due:
                service.launch()
                record.launched, record.due = now, None
                launched = True
        return launched

    def _schedule(self, service: Service, record: _Record, now: float) -> None:
        if now - record.launched >= _STEADY_SECONDS:
            record.endings = 0
        service.kill()  # what its process group left behind
        delay = _DELAYS_SECONDS[min(record.endings, len(_DELAYS_SECONDS) - 1)]
        record.endings += 1
        record.due = now + delay
        self._say(f"{service.title} ended (status {service.exit_status}); again in {delay:g} s, see {service.log}")
