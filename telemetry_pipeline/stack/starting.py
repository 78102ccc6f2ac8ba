"""Starting one service after another, while those that work already are looked after."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.errors import ServiceEnded, TelemetryError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.processes.service import Service
from telemetry_pipeline.stack.processes.supervision import Supervisor

_T = TypeVar("_T")

# How often a part is launched, or something is asked of a server, before the start is given up.
_STARTS = 3
_SERVERS_RETURN_SECONDS = 60.0


class Starting:
    """Starts services.

    :ivar services: those that were started, in that order.
    """

    def __init__(self, supervisor: Supervisor, say: Callable[[str], None]) -> None:
        self.services: list[Service] = []
        self._supervisor = supervisor
        self._say = say

    def run(self, services: Sequence[Service]) -> None:
        """Start some, and wait until they work."""
        self.launch(services)
        self.await_ready(services)

    def launch(self, services: Sequence[Service]) -> None:
        """Start some, and wait for none."""
        if services:
            self._say(f"starting {' and '.join(service.title for service in services)}")
        for service in services:
            self.services.append(service)
            service.launch()

    def await_ready(self, services: Sequence[Service]) -> None:
        """Wait until some that were started work, and have them looked after from then on."""
        began = time.monotonic()
        for service in services:
            self.await_start(service)
            self._supervisor.add(service)
            self._say(f"{service.title} is ready ({duration(time.monotonic() - began)})")

    def await_start(self, service: Service) -> None:
        """Wait until it is ready, while the supervisor looks after those that are. What was killed is launched again."""
        for _ in range(_STARTS - 1):
            try:
                service.await_ready(self._supervisor.tend)
            except ServiceEnded:
                self._say(f"{service.title} ended during its start (status {service.exit_status}); again")
                service.kill()
                service.launch()
            else:
                return
        service.await_ready(self._supervisor.tend)

    def ask_servers(self, ask: Callable[[], _T]) -> _T:
        """Return what the servers answer; asked again when they are ready, for they may have been restarted in the middle."""
        for _ in range(_STARTS - 1):
            try:
                return ask()
            except TelemetryError:
                if not self._supervisor.has_any:
                    raise
            for _ in polling(_SERVERS_RETURN_SECONDS):
                self._supervisor.tend()
                if self._supervisor.all_ready():
                    break
        return ask()
