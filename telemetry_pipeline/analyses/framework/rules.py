"""What of a view counts, and what is marked: the operator's rules for every analysis alike."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from zoneinfo import ZoneInfo

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.caps import LOOK_AHEAD, NO_CAP, Cap
from telemetry_pipeline.days import Period


@dataclass(frozen=True)
class Rules:
    """What counts, and what is marked, besides what is stored.

    :ivar zone: of the local dates and hours.
    :ivar cap: what of a longer view counts, from its start.
    :ivar small_base: from how many different subscribers on a figure is not marked.
    """

    zone: ZoneInfo
    cap: Cap = NO_CAP
    small_base: int = 30

    @property
    def key(self) -> str:
        """The same for the same figures of the same views."""
        return f"{self.cap.hours} {self.small_base}"

    def ahead(self, period: Period) -> Period:
        """Return the days after a period on which views end that count as running in it."""
        end = clock.midnight(self.zone, period.last + timedelta(days=1))
        last = clock.day_of(self.zone, end + LOOK_AHEAD - timedelta(microseconds=1))
        return Period(period.last + timedelta(days=1), last)
