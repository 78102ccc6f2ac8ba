"""What a stored result is of, in words for people; and its values as they are shown to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.amounts import duration, number
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.cli.showing.asking import assigned, days, given, run_command
from telemetry_pipeline.days import Period
from telemetry_pipeline.moments import moment
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.tables import StoredResult

_MARKS = {PROVISIONAL.name: "~", SMALL_BASE.name: "°"}
_LOOKS = {PROVISIONAL.name: "italic", SMALL_BASE.name: "dim"}
_MEANINGS = {
    PROVISIONAL.name: "~ slanted: provisional, of days that are not complete",
    SMALL_BASE.name: "° grey: from fewer than SMALL_BASE_SUBSCRIBERS subscribers",
}
_DAYS_LISTED = 3


@dataclass(frozen=True)
class Marked:
    """Rows as a terminal shows them.

    :ivar looks: of each row, as rich calls it.
    :ivar meanings: what the looks say.
    """

    columns: list[str]
    rows: list[list[Any]]
    looks: list[str]
    meanings: list[str]


def caption(result: StoredResult, zone: ZoneInfo, now: datetime | None = None) -> str:
    """Return what a result is of: analysis, period, parameters, rows, when it was computed, and what is to be known of it."""
    info = result.info
    age = max(0.0, ((now or datetime.now(UTC)) - info.computed_at).total_seconds())
    parameters = given(find_analysis(info.asset), info.parameters)
    return "; ".join(
        [
            f"{info.asset}: {days(info.period_first, info.period_last)}",
            assigned(parameters) or "default parameters",
            "1 row" if info.row_count == 1 else f"{info.row_count:,} rows",
            f"computed {moment(info.computed_at, zone)}, {duration(age)} ago",
            *_known(info.facts, zone),
            *([f"the views changed since; run '{_again(info, parameters)}' again"] if result.outdated else []),
        ]
    )


def versions(found: Sequence[StoredResult]) -> str:
    """Return whether several results, read in one moment, are of one version of the views; else, of which each is."""
    if of_one_version(found):
        return "of one version of the views"
    if len({result.info.rules for result in found}) > 1:
        return "views count by different rules in them: VIEW_CAP_HOURS or SMALL_BASE_SUBSCRIBERS changed in between"
    numbers = {each.info.asset: each.info.views_version for each in found}
    return f"of different versions of the views: {', '.join(f'{name} of {number}' for name, number in numbers.items())}"


def of_one_version(found: Sequence[StoredResult]) -> bool:
    """Return whether there was a version of the views at which all of the results, read in one moment, held, by the same rules.

    A result holds from the version that changed its views last, and until now if they did not change since.
    """
    if len({result.info.rules for result in found}) > 1:
        return False
    return all(result.info.changed_version <= other.info.views_version for result in found for other in found if other.outdated)


def marked(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> Marked:
    """Return rows with their marks in front and in their looks, in place of columns that say yes and no."""
    said = [name for name in (PROVISIONAL.name, SMALL_BASE.name) if any(row.get(name) for row in rows)]
    names = [name for name in columns if name not in _MARKS]
    body, looks = [], []
    for row in rows:
        marks = [name for name in said if row.get(name)]
        front = ["".join(_MARKS[name] for name in marks)] if said else []
        body.append([*front, *(row[name] for name in names)])
        looks.append(" ".join(_LOOKS[name] for name in marks))
    return Marked([*([""] if said else []), *names], body, looks, [_MEANINGS[name] for name in said])


def _known(facts: Mapping[str, Any], zone: ZoneInfo) -> list[str]:
    """Return what the facts say; of days only the first few."""
    left = dict(facts)
    provisional, until = left.pop("provisional_days", None), left.pop("known_until", None)
    until = f"known until {moment(datetime.fromisoformat(until), zone)}" if until else ""
    said = []
    if provisional:
        said.append(f"provisional ({_listed(provisional)})" + (f": {until}" if until else ""))
    elif until:
        said.append(until)
    unsettled = left.pop("settled", True) is False
    for name, value in left.items():
        if value not in (None, [], {}, ""):
            said.append(f"{name.replace('_', ' ')}: {_listed(value)}")
    return [*said, *(["not settled: views that count may still come"] if unsettled else [])]


def _listed(value: Any) -> str:
    if isinstance(value, list):
        more = f" and {len(value) - _DAYS_LISTED} more" if len(value) > _DAYS_LISTED else ""
        return ", ".join(map(str, value[:_DAYS_LISTED])) + more
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number(value) if isinstance(value, (int, float)) else str(value)


def _again(info: ResultInfo, parameters: Mapping[str, Any]) -> str:
    first = info.period_first if info.partition_date is None else info.period_last
    return run_command(info.asset, Period(first, info.period_last), parameters)
