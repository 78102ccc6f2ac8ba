"""What somebody asks for by an address: checked, or refused with what is allowed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, get_args

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import AllowedDays, Period, parse_day
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.charts.drawing import ThemeName
from telemetry_pipeline.suggestions import instead, meant
from telemetry_pipeline.web.computing.question import FORMS, Form, Look, Question

DAYS = ("from", "to")
LOOKS = ("format", "excel", "words", "theme", "width")
THEMES: Sequence[ThemeName] = get_args(ThemeName)
WIDTHS = range(280, 1601)

_WINDOW = "window_days"

Given = Sequence[tuple[str, str]]
"""Names and values of a query, in their order."""


def find(name: str) -> Analysis:
    """Return the analysis of that name.

    :raises LookupError: there is none; says what was meant.
    """
    known = all_analyses()
    if name not in known:
        raise LookupError(f"there is no analysis {name!r}", instead(name, known))
    return known[name]


def question(analysis: Analysis, given: Given, allowed: AllowedDays, *, personal: bool) -> Question:
    """Return the question that a query asks an analysis.

    :raises RequestRefused: something in it is unknown or impossible; says what is allowed.
    """
    values = _once(given)
    form, look = _form(values), _look(values)
    of_days = _days(values, allowed)
    parameters = {name: text for name, text in values.items() if name not in (*DAYS, *LOOKS)}
    _refuse_unknown(parameters, [analysis])
    days, parsed = _asked(analysis, of_days, _parsed(analysis, parameters), allowed)
    return Question(analysis.name, days, json.dumps(parsed, sort_keys=True), form, look, personal)


def questions(document: str, given: Given, allowed: AllowedDays, *, personal: bool) -> list[Question]:
    """Return the questions of a document to its analyses, all of the same days and with the same parameters, each with those it
    takes.

    :raises LookupError: there is no such document. :raises RequestRefused: as :func:`question`.
    """
    check_document(document)
    values = _once(given)
    if named := [name for name in LOOKS if name in values]:
        raise RequestRefused(f"a document is JSON and takes no {named[0]}", "leave it out")
    of_days = _days(values, allowed)
    parameters = {name: text for name, text in values.items() if name not in DAYS}
    analyses = [each for each in gathered(document) if personal or not each.is_of_subscribers]
    _refuse_unknown(parameters, analyses)
    asked = []
    for analysis in analyses:
        own = {name: text for name, text in parameters.items() if name in analysis.parameters.model_fields}
        days, parsed = _asked(analysis, of_days, _parsed(analysis, own), allowed)
        asked.append(Question(analysis.name, days, json.dumps(parsed, sort_keys=True), personal=personal))
    return asked


def check_document(name: str) -> None:
    """Raise LookupError if there is no document of that name; it says what was meant."""
    if name not in DOCUMENTS:
        raise LookupError(f"there is no document {name!r}", instead(name, DOCUMENTS))


def stored_days(given: Given, allowed: AllowedDays) -> Period | None:
    """Return the days that a query asks a stored document of; None: the newest.

    :raises RequestRefused: it asks for more, or for days that cannot be.
    """
    values = _once(given)
    if others := [name for name in values if name not in DAYS]:
        raise RequestRefused(f"a stored document takes no {others[0]}", f"give {' and '.join(DAYS)}, or nothing for the newest")
    if not values:
        return None
    days = _days(values, allowed)
    return days if isinstance(days, Period) else Period(days, days)


def _once(given: Given) -> dict[str, str]:
    values: dict[str, str] = {}
    for name, text in given:
        if name in values:
            raise RequestRefused(f"{name} is given twice", "give it once")
        values[name] = text
    return values


def _days(values: Mapping[str, str], allowed: AllowedDays) -> Period | date:
    """Return the days from ``from`` to ``to``, or the day ``to`` where that is all that is said."""
    last = values.get("to")
    if last is None:
        raise RequestRefused("no days are named", f"give from and to, the first and the last day; {allowed}")
    period = allowed.asked(None, values.get("from", last), last)
    return period if period is not None and "from" in values else parse_day(last)


def _asked(
    analysis: Analysis, days: Period | date, parameters: dict[str, Any], allowed: AllowedDays
) -> tuple[Period, dict[str, Any]]:
    """Return the days as ``results.computing.answer`` takes them, and parameters: what looks back does so to the first day."""
    last = days if isinstance(days, date) else days.last
    if analysis.is_of_period:
        return (Period(last, last) if isinstance(days, date) else days), parameters
    if isinstance(days, Period):
        if _WINDOW in parameters:
            raise RequestRefused("from and window_days say the same", "give one of them")
        if _WINDOW in analysis.parameters.model_fields:
            parameters = {**parameters, _WINDOW: days.length}
    elif (most := (last - allowed.first).days + 1) < (parameters.get(_WINDOW) or 0):
        raise RequestRefused(f"window_days is {parameters[_WINDOW]}", f"give {most} at most, or null for all days; {allowed}")
    analysis.parse(parameters)
    return Period(last, last), parameters


def _parsed(analysis: Analysis, texts: Mapping[str, str]) -> dict[str, Any]:
    """Return the values of parameters that are not their defaults, as the analysis takes them.

    :raises RequestRefused: one is impossible.
    """
    values = {name: None if text == "null" else text for name, text in texts.items()}
    return analysis.parse(values).model_dump(mode="json", include=set(values))


def _refuse_unknown(parameters: Iterable[str], analyses: Sequence[Analysis]) -> None:
    known = sorted({name for each in analyses for name in each.parameters.model_fields})
    for name in parameters:
        if name not in known:
            what = analyses[0].name if len(analyses) == 1 else "the document"
            there = meant(name, [*known, *DAYS, *LOOKS]) or f"there are {', '.join([*known, *DAYS, *LOOKS])}"
            raise RequestRefused(f"{what} has no parameter {name!r}", there)


def _form(values: Mapping[str, str]) -> Form:
    text = values.get("format", "json")
    for form in FORMS:
        if form == text:
            return form
    raise RequestRefused(f"there is no format {text!r}", instead(text, FORMS))


def _look(values: Mapping[str, str]) -> Look:
    theme, width = values.get("theme", "light"), values.get("width")
    switches = {name: values.get(name, "0") for name in ("excel", "words")}
    for name, text in switches.items():
        if text not in ("0", "1"):
            raise RequestRefused(f"{name} is {text!r}", "give 1 or 0")
    if theme not in THEMES:
        raise RequestRefused(f"there is no theme {theme!r}", instead(theme, THEMES))
    if width is not None and not (width.isascii() and width.isdecimal() and len(width) < 6 and int(width) in WIDTHS):
        raise RequestRefused(f"width is {width!r}", f"give {WIDTHS.start} to {WIDTHS.stop - 1} pixels")
    [named] = [each for each in THEMES if each == theme]
    return Look(
        excel=switches["excel"] == "1",
        words=switches["words"] == "1",
        theme=named,
        width=None if width is None else int(width),
    )
