"""Which reports there are: of which days, and which analyses each gathers. How they look is said in ``reports``."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum

from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.suggestions import meant


class Grain(StrEnum):
    """Which days a report is of by itself."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


@dataclass(frozen=True)
class Kind:
    """A report.

    :ivar analyses: in their order; each is a section.
    :ivar of_channel: whether it is about one channel.
    """

    name: str
    grain: Grain
    analyses: tuple[str, ...]
    of_channel: bool = False

    def last_period(self, today: date) -> Period:
        """Return the last of its periods that is over on a day."""
        return self.period_of(self.period_of(today).first - timedelta(days=1))

    def period_of(self, day: date) -> Period:
        """Return the one of its periods that a day is in: the day, its ISO week, its month."""
        if self.grain is Grain.DAY:
            return Period(day, day)
        if self.grain is Grain.WEEK:
            first = day - timedelta(days=day.weekday())
            return Period(first, first + timedelta(days=6))
        return Period(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))


_OF_DAYS = ("share", "reach", "concurrency", "average_audience", "time_slots")
KINDS: Mapping[str, Kind] = {
    kind.name: kind
    for kind in (
        Kind("daily_report", Grain.DAY, (*_OF_DAYS, "top_channels", "channel_flow")),
        Kind(
            "weekly_report",
            Grain.WEEK,
            ("viewing_by_period", "period_channels", *_OF_DAYS, "channel_performance", "channel_flow"),
        ),
        Kind(
            "monthly_report",
            Grain.MONTH,
            (
                "viewing_by_period",
                "period_events",
                "period_channels",
                *_OF_DAYS,
                "channel_performance",
                "geography",
                "subscriber_segments",
            ),
        ),
        Kind(
            "channel_report",
            Grain.MONTH,
            ("viewing_by_period", "average_audience", "peak_hours", "channel_flow"),
            of_channel=True,
        ),
    )
}


@dataclass(frozen=True)
class Wanted:
    """A report that somebody wants.

    :ivar channel: of one that is about a channel; empty: it is about all.
    """

    kind: Kind
    period: Period
    channel: str = field(default="")

    def __post_init__(self) -> None:
        if self.kind.of_channel and not self.channel:
            raise RequestRefused(f"{self.kind.name} is about one channel", "give channel")
        if self.channel and not self.kind.of_channel:
            raise RequestRefused(f"{self.kind.name} is about all channels", "leave channel out")


def find(name: str) -> Kind:
    """Return the report of that name.

    :raises RequestRefused: there is none; says what may have been meant, or which there are.
    """
    if name not in KINDS:
        raise RequestRefused(f"there is no report {name!r}", meant(name, KINDS) or f"reports: {', '.join(KINDS)}")
    return KINDS[name]
