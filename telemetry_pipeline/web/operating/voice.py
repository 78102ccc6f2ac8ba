"""How these pages say what they know of runs and servers, beside what every page can say."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from babel.dates import format_datetime

from telemetry_pipeline.amounts import duration, size
from telemetry_pipeline.client.answers import Run, Step
from telemetry_pipeline.speech import NULL, Speech
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.pages import OPERATING


class Voice(Speech):
    """One of the languages, with the clock of the operator."""

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        super().__init__(OPERATING, language, zone)

    def size(self, count: float) -> str:
        """Write so many bytes."""
        return size(count)

    def took(self, seconds: float | None) -> str:
        """Return a time span."""
        return NULL if seconds is None else duration(max(0.0, seconds))

    def moment(self, value: datetime | None) -> str:
        """Write a moment: ``28 nov 2026, 14:32:05`` by the operator's clock."""
        if value is None:
            return NULL
        text = format_datetime(value.astimezone(self.zone), "d MMM y, HH:mm:ss", locale=self.locale)
        return str(text).replace(".", "")

    def clock(self, value: datetime) -> str:
        """Write a time of day: ``14:32:05`` by the operator's clock."""
        return f"{value.astimezone(self.zone):%H:%M:%S}"

    def partitions(self, run: Run) -> str:
        """Return the days of a run, as they are asked for."""
        first, last = run.partitions or ("", "")
        return first if first == last else f"{first} \N{EN DASH} {last}"

    def course(self, ran: Run | Step, now: datetime) -> str:
        """Return how long something took, or has taken so far."""
        return NULL if ran.started_at is None else self.took(((ran.ended_at or now) - ran.started_at).total_seconds())
