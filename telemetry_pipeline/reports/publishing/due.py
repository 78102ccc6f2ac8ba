"""Which reports are due, and whether they are made now, wait for their days, or are given up. Pure decisions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import Enum
from typing import Literal, Self
from zoneinfo import ZoneInfo

from croniter import croniter

from telemetry_pipeline.analyses.reports import KINDS, Grain, Kind
from telemetry_pipeline.days import Completeness, Period
from telemetry_pipeline.settings.reports import ReportSettings

# Behind an outage that was longer nobody is sent a report for each of its days.
_MOST = 31


class Decision(Enum):
    """What becomes of a report that is due."""

    MAKE = "its days are complete"
    WAIT = "its days are not complete"
    MAKE_INCOMPLETE = "its days are not complete, and it has waited for as long as it may"
    WITHHOLD = "its days are not complete, and it waits no longer"
    NOTHING = "there is nothing of its days, and it waits no longer"


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
    """Return what came due when each kind did last; see :func:`came_due`."""
    return came_due(settings, zone, None, now)


def came_due(settings: ReportSettings, zone: ZoneInfo, after: datetime | None, now: datetime) -> list[Due]:
    """Return what came due behind a moment, the newest of each kind first and so many at most; None: when each did last.

    With each of its hours a kind comes due for all of its periods that have ended since the one before: a daily report that is
    due on weekdays alone is due for three days on Mondays.

    A cron is read on the operator's clock as a wall clock: an hour that a change of the clock skips is over when it is later
    than that, and one that comes twice is the same hour, of the same days.

    :param after: an aware moment, as is *now*.
    """
    found = []
    for kind in KINDS.values():
        # Of this very second, too.
        hours = croniter(cron_of(kind, settings), _on_the_wall(now, zone) + timedelta(seconds=1))
        at: datetime = hours.get_prev(datetime)
        of_kind: list[Due] = []
        while not of_kind if after is None else at > _on_the_wall(after, zone) and len(of_kind) < _MOST:
            before: datetime = hours.get_prev(datetime)
            period, done = kind.last_period(at.date()), kind.last_period(before.date())
            while period.first > done.first and len(of_kind) < _MOST:
                of_kind.append(Due(kind, period, at.replace(tzinfo=zone)))
                period = kind.last_period(period.first)
            at = before
        found += of_kind
    return found


def _on_the_wall(moment: datetime, zone: ZoneInfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


@dataclass(frozen=True)
class Waiting:
    """What came due and is neither asked for nor given up.

    :ivar until: the moment up to which it is known what came due; None: nobody has looked yet.
    :ivar seen: each report, and when it was first seen to be due.
    """

    until: datetime | None = None
    seen: tuple[tuple[Due, datetime], ...] = ()

    def looked_at(self, settings: ReportSettings, zone: ZoneInfo, until: datetime, now: datetime) -> Self:
        """Return the same with what came due since; after a clock that was ahead, without what is not due yet."""
        is_ahead = self.until is not None and self.until > now
        known = {due.name: (due, min(since, now)) for due, since in self.seen if due.since <= now}
        for due in came_due(settings, zone, None if is_ahead else self.until, until):
            known.setdefault(due.name, (due, now))
        return replace(self, until=until, seen=tuple(known.values()))

    @classmethod
    def read(cls, text: str | None) -> Self:
        """Return what :meth:`written` gave; of an earlier version's text, that nobody has looked yet."""
        given = json.loads(text or "{}")
        if "until" not in given:
            return cls()
        moment = datetime.fromisoformat
        seen = tuple(
            (Due(kind, kind.period_of(date.fromisoformat(each["first"])), moment(each["since"])), moment(each["seen"]))
            for each in given["seen"]
            if (kind := KINDS.get(each["report"])) is not None
        )
        return cls(moment(given["until"]), seen)

    def written(self) -> str:
        """Return it as a text."""
        seen = [
            {
                "report": due.kind.name,
                "first": due.period.first.isoformat(),
                "since": due.since.isoformat(),
                "seen": since.isoformat(),
            }
            for due, since in self.seen
        ]
        return json.dumps({"until": self.until.isoformat() if self.until else None, "seen": seen})


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
    waits_on = now - max(due.since, seen_since) < timedelta(hours=settings.report_deadline_hours)
    if known.first_day is None or due.period.last < known.first_day:
        return Decision.WAIT if waits_on else Decision.NOTHING
    if all(known.is_complete(day) for day in due.period.days()):
        return Decision.MAKE
    if waits_on:
        return Decision.WAIT
    after: Mapping[Literal["send", "withhold"], Decision] = {
        "send": Decision.MAKE_INCOMPLETE,
        "withhold": Decision.WITHHOLD,
    }
    return after[settings.incomplete_reports]
