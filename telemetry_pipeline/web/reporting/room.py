"""What this room has for all requests: the warehouse, Dagster to launch runs with, and how its pages speak."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, TypeVar

import sqlalchemy as sa

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.access.door import Door
from telemetry_pipeline.web.frame.threads import Threads
from telemetry_pipeline.words.reporting.pages import REPORTING

PATH = "/informes"

_DEED_SECONDS = 120.0
_AT_ONCE = 10

T = TypeVar("T")


@dataclass(frozen=True)
class Room:
    """The same for all requests."""

    engine: sa.Engine
    settings: DoorSettings
    client: TelemetryClient
    speech: Speech
    threads: Threads

    @classmethod
    def of_settings(cls, door: Door, settings: DoorSettings) -> Self:
        """Return the room as the settings have it."""
        speech = Speech(REPORTING, settings.language, settings.operator_zone)
        return cls(door.engine, settings, TelemetryClient(settings.graphql_url, _DEED_SECONDS), speech, Threads(_AT_ONCE))

    @property
    def allowed(self) -> AllowedDays:
        """The days that may be asked for."""
        return AllowedDays.until_today(self.settings.first_partition, self.settings.operator_zone)

    async def look(self, read: Callable[[sa.Connection], T]) -> T:
        """Return what is read in one transaction.

        :raises WarehouseError: PostgreSQL cannot be asked.
        """

        def in_thread() -> T:
            with self.engine.connect() as connection:
                return read(connection)

        return await self.threads.run(in_thread)

    async def change(self, change: Callable[[sa.Connection], T]) -> T:
        """Change something in one transaction; raises as *change* does, and then nothing is changed."""

        def in_thread() -> T:
            with self.engine.begin() as connection:
                return change(connection)

        return await self.threads.run(in_thread)
