"""Which reports are due, and whether they are made now, wait for their days, or are given up. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Literal
from zoneinfo import ZoneInfo

from croniter import croniter

from telemetry_pipeline.analyses.reports import KINDS, Grain, Kind
from telemetry_pipeline.days import Completeness, Period
from telemetry_pipeline.settings.reports import ReportSettings


class Decision(Enum):
    """What becomes of a report that is due."""

    MAKE = "its days are complete"
    WAIT = "its days are not complete"
    MAKE_INCOMPLETE = "its days are not complete, and it has waited for as long as it may"
    WITHHOLD = "its days are not complete, and it waits no longer"
    NOTHING = "there is nothing of its days yet"


@dataclass(frozen=True)
class Due:
    """A kind of report that is due for some days."""

    kind: Kind
    period: Period
    since: datetime

    @property
    def name(self) -> str:
        """The same for the same report, whenever it comes due: what is made once goes by it."""
        return f"{self.kind.name}:{self.period.first}"


def cron_of(kind: Kind, settings: ReportSettings) -> str:
    """Return when reports of a kind are due."""
    crons = {
        Grain.DAY: settings.daily_report_cron,
        Grain.WEEK: settings.weekly_report_cron,
        Grain.MONTH: settings.monthly_report_cron,
    }
    return crons[kind.grain]


def last_due(settings: ReportSettings, zone: ZoneInfo, now: datetime) -> list[Due]:
    """Return what came due last of each kind.

    A cron is read on the operator's clock as a wall clock: an hour that a change of the clock skips is over when it is later
    than that, and one that comes twice is the same hour, of the same days.

    :param now: an aware moment.
    """
    local = now.astimezone(zone).replace(tzinfo=None)
    found = []
    for kind in KINDS.values():
        # Of this very second, too.
        since = croniter(cron_of(kind, settings), local + timedelta(seconds=1)).get_prev(datetime)
        found.append(Due(kind, kind.last_period(since.date()), since.replace(tzinfo=zone)))
    return found


def decide(
    due: Due,
    known: Completeness,
    now: datetime,
    seen_since: datetime,
    settings: ReportSettings,
) -> Decision:
    """Say what becomes of a report that is due and was not made.

    :param known: of its days.
    :param seen_since: when it was first seen to be due: after a night in which nothing ran, its days are given their time, too.
    """
    if known.first_day is None or due.period.last < known.first_day:
        return Decision.NOTHING
    if all(known.is_complete(day) for day in due.period.days()):
        return Decision.MAKE
    if now - max(due.since, seen_since) < timedelta(hours=settings.report_deadline_hours):
        return Decision.WAIT
    after: Mapping[Literal["send", "withhold"], Decision] = {
        "send": Decision.MAKE_INCOMPLETE,
        "withhold": Decision.WITHHOLD,
    }
    return after[settings.incomplete_reports]
