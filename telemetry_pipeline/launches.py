"""What may be launched: the jobs and the assets, which assets a job takes, and the days and the parameters of each.

The command line, the check of every run, the jobs themselves and the documentation read it from here. Programs elsewhere ask
GraphQL for it. How runs are launched, and what assets do, is said in ``orchestration``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field

from telemetry_pipeline.analyses.documents import DOCUMENTS
from telemetry_pipeline.analyses.framework.declaration import Parameters
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.analyses.reports import KINDS, Grain
from telemetry_pipeline.analyses.reports import find as find_report
from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.job_names import CLEANUP, MERGE, RANGE, REBUILD, TICK
from telemetry_pipeline.settings.values import mail_address
from telemetry_pipeline.suggestions import meant
from telemetry_pipeline.words.language import Language, Texts
from telemetry_pipeline.words.upkeep.purposes import PURPOSES


class Days(StrEnum):
    """For which days something runs."""

    NONE = "none"
    ONE = "a day"
    RANGE = "a day or a range"
    WEEK = "an ISO week, by its Monday"
    MONTH = "a month, by its first day"


class Selection(StrEnum):
    """A tag of the assets that a job takes. An asset that has none of them is launched alone, by its name."""

    TICK = "tick"
    MERGE = "merge"
    REBUILD = "rebuild"


@dataclass(frozen=True)
class Job:
    """A named run.

    :ivar takes: the tag of the assets that it runs; None: it runs none.
    """

    name: str
    purpose: str
    days: Days
    takes: Selection | None


@dataclass(frozen=True)
class Asset:
    """What a run makes; it can be launched alone.

    :ivar purpose: what it is, or the question that it answers.
    :ivar selections: which jobs take it.
    :ivar parameters: what it takes by itself, whatever runs it.
    """

    name: str
    purpose: str
    selections: tuple[Selection, ...]
    parameters: type[Parameters] = Parameters
    days: Days = Days.RANGE

    @property
    def tags(self) -> dict[str, str]:
        """The selections as Dagster's tags of an asset."""
        return dict.fromkeys(self.selections, "true")


class SyncParameters(Parameters):
    """Parameters of the sync."""

    max_seconds: float = Field(
        default=90, description="how long one step works before the next one goes on from the cursor; in a range 30 at most"
    )


_REPORT_DAYS: Mapping[Grain, Days] = {Grain.DAY: Days.ONE, Grain.WEEK: Days.WEEK, Grain.MONTH: Days.MONTH}
_ONE = {Days.ONE: "one day", Days.WEEK: "one ISO week, by its Monday", Days.MONTH: "one month, by its first day"}
_SAID = Texts(PURPOSES, Language.EN)

JOBS: Mapping[str, Job] = {
    name: Job(name, _SAID[name], days, takes)
    for name, days, takes in (
        (TICK, Days.ONE, Selection.TICK),
        (RANGE, Days.RANGE, Selection.TICK),
        (MERGE, Days.RANGE, Selection.MERGE),
        (REBUILD, Days.RANGE, Selection.REBUILD),
        (CLEANUP, Days.NONE, None),
    )
}


def check_report(name: str, config: Mapping[str, Any], allowed: AllowedDays) -> None:
    """Refuse parameters of a report that it cannot be made with.

    :raises RequestRefused: says what is allowed.
    """
    parameters = find_report(name).parse(config)
    allowed.asked(None, parameters.first, parameters.last)
    if parameters.send_to is not None:
        try:
            mail_address(parameters.send_to)
        except ValueError as err:
            raise RequestRefused(f"send_to is no mail address: {parameters.send_to!r}", str(err)) from None


def all_assets() -> dict[str, Asset]:
    """Return every asset by its name, in the order in which they are made."""
    analysed = (Selection.TICK, Selection.REBUILD)
    return {
        asset.name: asset
        for asset in (
            Asset("telemetry_records", _SAID["telemetry_records"], (Selection.TICK,), SyncParameters),
            Asset("ott_views", _SAID["ott_views"], (Selection.TICK, Selection.MERGE)),
            *(
                Asset(each.name, each.question, analysed if each.runs_unattended else (), each.parameters)
                for each in all_analyses().values()
            ),
            *(Asset(name, question, analysed) for name, (question, _) in DOCUMENTS.items()),
            *(Asset(kind.name, _SAID[kind.name], (), kind.parameters, _REPORT_DAYS[kind.grain]) for kind in KINDS.values()),
        )
    }


def find(name: str) -> Job | Asset:
    """Return the job or the asset of that name.

    :raises RequestRefused: there is neither; says what may have been meant, or what there is.
    """
    assets = all_assets()
    if found := JOBS.get(name) or assets.get(name):
        return found
    advice = meant(name, [*JOBS, *assets]) or f"jobs: {', '.join(JOBS)}; assets: {', '.join(assets)}"
    raise RequestRefused(f"there is no job or asset {name!r}", advice)


def check_days(target: Job | Asset, period: Period | None) -> None:
    """Refuse days that a job or an asset does not take, whichever they are.

    :raises RequestRefused: says what it takes.
    """
    if target.days is Days.NONE and period is not None:
        raise RequestRefused(f"{target.name} has no partitions", "give none")
    if period is None or target.days in (Days.NONE, Days.RANGE):
        return
    if period.length > 1:
        otherwise = "give its parameters first and last" if target.name in KINDS else f"launch {RANGE}"
        raise RequestRefused(f"{target.name} is for {_ONE[target.days]}", f"for a range {otherwise}")
    if (begins := _begins(target.days, period.first)) != period.first:
        raise RequestRefused(
            f"{target.name} is for {_ONE[target.days]}, and {period.first} is none", f"that of {period.first} is {begins}"
        )


def default_days(target: Job | Asset, today: date) -> Period:
    """Return the days of a run for which none are named: today, or the partition of the last report whose days are over."""
    day = KINDS[target.name].last_period(today).first if target.name in KINDS else today
    return Period(day, day)


def _begins(days: Days, day: date) -> date:
    if days is Days.WEEK:
        return day - timedelta(days=day.weekday())
    return day.replace(day=1) if days is Days.MONTH else day
