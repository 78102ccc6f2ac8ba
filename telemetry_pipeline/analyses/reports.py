"""Which reports there are: of which days, and which analyses each gathers. How they look is said in ``reports``."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from telemetry_pipeline.analyses.framework.declaration import Parameters, parsed
from telemetry_pipeline.days import Period, asked_period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.suggestions import meant


class Grain(StrEnum):
    """Which days a report is of by itself."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"


class ReportParameters(Parameters):
    """Parameters of a report."""

    first: str | None = Field(default=None, description="first day, with last, of other days than the partition's: 2026-01-31")
    last: str | None = Field(default=None, description="last day of these; they may be any range")
    deliver: bool = Field(default=False, description="whether it goes to its subscribers, once for its days")
    send_to: str | None = Field(default=None, description="a mail address that it goes to beside them")


class ChannelReportParameters(ReportParameters):
    """Parameters of a report about one channel."""

    channel: str = Field(min_length=1, description="the channel's name")


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

    @property
    def parameters(self) -> type[ReportParameters]:
        """The model of what a run of it takes."""
        return ChannelReportParameters if self.of_channel else ReportParameters

    def parse(self, values: Mapping[str, Any]) -> ReportParameters:
        """Return the parameters that *values* give, defaults filled in.

        :raises RequestRefused: naming every value that is unknown or impossible.
        """
        return parsed(self.name, self.parameters, values)

    def wanted(self, partition: date, parameters: ReportParameters) -> Wanted:
        """Return which report a run is for: of the days that its parameters name, else of its partition.

        :raises RequestRefused: they name days that are none.
        """
        asked = asked_period(None, parameters.first, parameters.last)
        return Wanted(self, asked or self.period_of(partition), parameters.model_dump().get("channel", ""))

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
        Kind("daily_report", Grain.DAY, (*_OF_DAYS, "channel_flow")),
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
