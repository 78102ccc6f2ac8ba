"""What is asked of stored results, and which of them answer it; computes nothing."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.documents import DOCUMENTS
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.results import catalogue, document_store, stored
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.steering.launch import parse_choice
from telemetry_pipeline.suggestions import instead
from telemetry_pipeline.warehouse.db.connections import connect, snapshot

_PERIODS_LISTED = 3


@dataclass(frozen=True)
class Question:
    """Which results are wanted.

    :ivar analyses: at least one.
    :ivar day: the partition; None for the newest.
    :ivar period: exactly these days, in place of *day*.
    :ivar parameters: those that were given, by analysis; the others are at their defaults.
    """

    analyses: tuple[Analysis, ...]
    day: date | None = None
    period: Period | None = None
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def open(self) -> bool:
        """Whether no days are named."""
        return self.day is None and self.period is None


def plan_question(names: Sequence[str], day: date | None, period: Period | None, assignments: Sequence[str] = ()) -> Question:
    """Return what was asked, checked.

    :raises RequestRefused: there is no such analysis or parameter, or it is not of a period; says what there is.
    """
    known = all_analyses()
    for name in names:
        if name not in known:
            raise RequestRefused(f"there is no analysis {name!r}", instead(name, [*known, *DOCUMENTS]))
    if period is not None and period.length == 1:
        day, period = period.last, None
    analyses = tuple(known[name] for name in dict.fromkeys(names))
    for analysis in analyses:
        if period is not None and not analysis.is_of_period:
            raise RequestRefused(
                f"{analysis.name} looks back from a day and is not of a period",
                f"ask for --partition {period.last} --set {analysis.name}.window_days={period.length}",
            )
    parameters = parse_choice(names, assignments, {name: each.parameters for name, each in known.items()})
    return Question(analyses, day, period, parameters)


def answer(url: str, question: Question, rules: Rules) -> list[StoredResult]:
    """Return the stored result of each analysis, all seen in one moment.

    :param rules: by which they count now; results of other rules are outdated.
    :raises RequestRefused: one is not stored; says what is, and what to do.
    :raises WarehouseError: the database is unreachable, or has no tables yet.
    """
    with snapshot(connect(url)) as connection:
        found = [_read(connection, question, analysis, rules) for analysis in question.analyses]
    with connect(url).begin() as connection:
        catalogue.want(connection, [each.info for each in found])
    return found


def answer_document(url: str, document: str, period: Period | None) -> dict[str, Any]:
    """Return the document of a period; without one, of the newest day.

    :raises RequestRefused: nothing is stored; says what to do.
    :raises WarehouseError: the database is unreachable, or has no tables yet.
    """
    if period is not None and period.length > 1 and DOCUMENTS[document][1] != "period":
        raise RequestRefused(f"{document} is of a day and not of a period", f"ask for --partition {period.last}")
    with snapshot(connect(url)) as connection:
        body = document_store.read(connection, document, (period.first, period.last) if period else None)
        there_is = document_store.periods(connection, document) if body is None else []
    if body is None:
        of_days = f" for {days(period.first, period.last)}" if period else ""
        there = _stored([days(first, last) for first, last in there_is])
        raise RequestRefused(f"nothing is stored of {document}{of_days}{there}", _how_to_get(document, period, {}))
    return body


def newest_days(url: str) -> dict[str, date | None]:
    """Return the last day of what is stored of each analysis and document; None where nothing is.

    :raises WarehouseError: the database is unreachable, or has no tables yet.
    """
    found: dict[str, date | None] = {}
    with snapshot(connect(url)) as connection:
        for name, analysis in all_analyses().items():
            found[name] = max((last for _, last, _ in stored.periods(connection, analysis)), default=None)
        for name in DOCUMENTS:
            found[name] = max((last for _, last in document_store.periods(connection, name)), default=None)
    return found


def days(first: date, last: date) -> str:
    """Return a period for people: a single day as that day."""
    return str(last) if first == last else str(Period(first, last))


def given(analysis: Analysis, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of the parameters that are not at their defaults."""
    defaults = {
        name: json.loads(json.dumps(each.default, default=str))
        for name, each in analysis.parameters.model_fields.items()
        if not each.is_required()
    }
    return {name: value for name, value in parameters.items() if name not in defaults or defaults[name] != value}


def run_command(name: str, period: Period | None, parameters: Mapping[str, Any]) -> str:
    """Return what somebody types to have a result computed."""
    options: list[str] = []
    if period is not None:
        single = period.first in (period.last, date.min)
        options = ["--partition", str(period.last)] if single else ["--from", str(period.first), "--to", str(period.last)]
    for parameter, value in parameters.items():
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        options += ["--set", f"{name}.{parameter}={text}"]
    return f"telemetry-pipeline run {shlex.join([name, *options])}"


def _read(connection: sa.Connection, question: Question, analysis: Analysis, rules: Rules) -> StoredResult:
    parameters = question.parameters.get(analysis.name, {})
    found = stored.read(connection, analysis, analysis.parse(parameters), rules, day=question.day, period=question.period)
    if found is None:
        raise _nothing_stored(question, analysis, stored.periods(connection, analysis))
    return found


def _nothing_stored(
    question: Question, analysis: Analysis, there_is: Sequence[tuple[date, date, Mapping[str, Any]]]
) -> RequestRefused:
    period = question.period or (Period(question.day, question.day) if question.day else None)
    parameters = given(analysis, analysis.parse(question.parameters.get(analysis.name, {})).model_dump(mode="json"))
    said = f"nothing is stored of {analysis.name}"
    if period is not None:
        said += f" for {days(period.first, period.last)}{' alone' if analysis.is_of_period and period.length == 1 else ''}"
    if parameters:
        said += f" with {assigned(parameters)}"
    same = [(first, last) for first, last, values in there_is if given(analysis, values) == parameters]
    if same:
        looks_back = not analysis.is_of_period
        said += _stored([str(last) if looks_back else days(first, last) for first, last in same])
        said += " (--partition)" if looks_back else " (--from, --to)"
    elif there_is:
        other = assigned(given(analysis, there_is[0][2])) or "default parameters"
        said += f"; stored is one of other parameters ({other}; see --set)"
    return RequestRefused(said, _how_to_get(analysis.name, period, parameters))


def _stored(listed: Sequence[str]) -> str:
    """Return what there is, of many only the first."""
    different = list(dict.fromkeys(listed))
    more = f", and {len(different) - _PERIODS_LISTED} more" if len(different) > _PERIODS_LISTED else ""
    verb = "is" if len(different) == 1 else "are"
    return f"; stored {verb} {', '.join(different[:_PERIODS_LISTED])}{more}" if different else ""


def _how_to_get(name: str, period: Period | None, parameters: Mapping[str, Any]) -> str:
    command = run_command(name, period, parameters)
    if period is None and not parameters:
        return f"run 'telemetry-pipeline run telemetry_tick', or '{command}' when the views are there"
    return f"run '{command}' when the views are there"


def assigned(parameters: Mapping[str, Any]) -> str:
    """Write parameters with their values: ``limit=3, channel="24"``."""
    return ", ".join(f"{name}={json.dumps(value, ensure_ascii=False)}" for name, value in parameters.items())
