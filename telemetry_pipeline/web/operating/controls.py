"""What these pages ask, and what they steer: the servers behind the door, each with the patience that a reader has."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self, TypeVar

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import TelemetryError, WebserverUnavailable
from telemetry_pipeline.monitoring.disks import disks, places
from telemetry_pipeline.monitoring.facts.overview import (
    Overview,
    look_at_checks,
    look_at_pace,
    look_at_queues,
    look_at_runs,
    look_at_warehouse,
)
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.access.door import Door
from telemetry_pipeline.web.frame.threads import Threads
from telemetry_pipeline.web.operating.board import Board
from telemetry_pipeline.web.operating.voice import Voice

PATIENCE_SECONDS = 6.0
"""How long a reader waits for a server: one that is at work takes some seconds, one that is away refuses at once."""

_ANSWER_SECONDS = 20.0
_DEED_SECONDS = 120.0
_FOLLOWED = 50
_BETWEEN_LOOKS_SECONDS = 2.0
_AT_ONCE = 20

T = TypeVar("T")


@dataclass(frozen=True)
class Controls:
    """The same for all requests.

    :ivar client: for looks. :ivar doer: for deeds, which may take longer.
    :ivar redis_url: of the broker; None: the door does not know it.
    """

    door: Door
    settings: DoorSettings
    client: TelemetryClient
    doer: TelemetryClient
    board: Board
    voice: Voice
    redis_url: str | None
    _followed: OrderedDict[str, tuple[Progress, float]] = field(default_factory=OrderedDict)
    _following: threading.Lock = field(default_factory=threading.Lock)
    _threads: Threads = field(default_factory=lambda: Threads(_AT_ONCE))

    @classmethod
    def of_settings(cls, door: Door, settings: DoorSettings, voice: Voice) -> Self:
        """Return the controls as the settings have them; Dagster is asked as operators reach it, whoever the reader is."""
        graphql_url = settings.graphql_url
        client = TelemetryClient(graphql_url, _ANSWER_SECONDS)

        def look_at_disks(seen: Overview) -> None:
            seen.disks = disks(places(settings))

        board = Board(
            {
                "warehouse": lambda seen: look_at_warehouse(seen, settings),
                "runs": lambda seen: look_at_runs(seen, client),
                "pace": lambda seen: look_at_pace(seen, client),
                "checks": lambda seen: look_at_checks(seen, client),
                "queues": lambda seen: look_at_queues(seen, settings),
                "disks": look_at_disks,
            }
        )
        redis_url = settings.redis_url.get_secret_value() if settings.redis_url else None
        return cls(door, settings, client, TelemetryClient(graphql_url, _DEED_SECONDS), board, voice, redis_url)

    @property
    def allowed(self) -> AllowedDays:
        """The days that may be asked for."""
        return AllowedDays.until_today(self.settings.first_partition, self.settings.operator_zone)

    async def answer(self, question: Callable[[], T], seconds: float = PATIENCE_SECONDS) -> T:
        """Return what Dagster answers, in a thread of its own.

        :raises WebserverUnavailable: it does not within that time.
        :raises TelemetryError: as the question does.
        """
        try:
            return await self._threads.run(question, seconds)
        except TimeoutError:
            raise WebserverUnavailable(f"Dagster's web server does not answer within {seconds:g} s") from None

    async def act(self, deed: Callable[[], T]) -> T:
        """Do something, for as long as it takes."""
        return await self._threads.run(deed)

    def progress(self, run_id: str) -> Progress | None:
        """Return how far a run has come, as of a moment ago; None: nobody says it."""
        with self._following:
            progress, looked_at = self._followed.pop(run_id, (Progress(run_id), float("-inf")))
            try:
                if time.monotonic() - looked_at >= _BETWEEN_LOOKS_SECONDS:
                    self.client.refresh(progress)
                    looked_at = time.monotonic()
            except TelemetryError:
                return None
            self._followed[run_id] = (progress, looked_at)
            while len(self._followed) > _FOLLOWED:
                self._followed.popitem(last=False)
            return progress
