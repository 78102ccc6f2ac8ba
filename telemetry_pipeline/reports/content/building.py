"""Reports built of answers: each analysis a section, with the figures that matter before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from telemetry_pipeline.analyses.framework.declaration import Analysis, GeneralParameters
from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.days import Completeness, Period, contiguous
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.content.channel import Channel
from telemetry_pipeline.reports.content.content import Content
from telemetry_pipeline.reports.content.sections import section
from telemetry_pipeline.reports.content.tiles import Tile, is_small, tile, value_of
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.speech import Speech

Ask = Callable[[str, Period, Mapping[str, Any]], StoredResult]
"""Gives the answer of an analysis over exactly some days: what looks back does so to the first of them."""

_HEADLINE = {
    "watch_hours": ("watch_hours", "watch_hours"),
    "active_subscribers": ("subscribers", "subscriber"),
    "views": ("views", "view"),
}
"""By their columns in ``general_summary``, their names in ``period_comparison`` and their terms."""


def build(wanted: Wanted, ask: Ask, known: Completeness, speech: Speech, made_at: datetime) -> Content:
    """Return a report.

    :param known: what is known of its days, and of those before.
    :raises RequestRefused: nobody watched anything on its days, or there is no such channel; says what there is.
    :raises TelemetryError: an answer cannot be had; a report is whole, or there is none.
    """
    period, say = wanted.period, speech.say
    figures = _figures(period, ask, known, speech)
    channel = Channel(wanted.channel, period, ask, known) if wanted.channel else None
    incomplete = [day for day in period.days() if not known.is_complete(day)]
    notices = {
        "incomplete": [day for day in incomplete if not known.lacks_some(day)],
        "lacking": [day for day in incomplete if known.lacks_some(day)],
    }
    told = [say[name].format(days=_listed(days, speech)) for name, days in notices.items() if days]
    if channel is None:
        results = [ask(name, period, {}) for name in wanted.kind.analyses]
    else:
        is_watched = channel.was_watched()
        figures = channel.figures(speech)
        results = [channel.result(name) for name in wanted.kind.analyses]
        unwatched = channel.unwatched_days()
        if not is_watched:
            told.append(say.unwatched)
        elif unwatched:
            told.append(say.unwatched_days.format(days=_listed(unwatched, speech)))
    without = ("channel",) if channel else ()
    return Content(
        name=wanted.kind.name,
        title=say[wanted.kind.name],
        subject=wanted.channel,
        period=period,
        days=speech.days(period),
        made_at=made_at,
        made=say.made.format(moment=speech.moment(made_at)),
        language=speech.language,
        complete=not incomplete,
        notices=tuple(told),
        figures=tuple(figures),
        sections=tuple(section(each, speech, without) for each in results),
    )


def window_of(analysis: Analysis, period: Period) -> tuple[Period, dict[str, int]]:
    """Return the days and the window with which an analysis is about exactly a period."""
    if analysis.is_of_period or not issubclass(analysis.parameters, GeneralParameters):
        return period, {}
    return Period(period.last, period.last), {"window_days": period.length}


def _figures(period: Period, ask: Ask, known: Completeness, speech: Speech) -> list[Tile]:
    """Return what was watched, and how it changed against as many days before, as far as these can be compared.

    :raises RequestRefused: nothing was; says of which days there are data.
    """
    summary = ask("general_summary", period, {}).frame
    if not value_of(summary, "views"):
        raise RequestRefused(f"nobody watched anything on {period}, as far as is known", _with_data(known, speech))
    found = ask("period_comparison", period, {})
    # Of days some of which have no fellow before, what is compared is little of what is told.
    compared = found.frame.iloc[:0] if found.info.facts.get("not_compared") else found.frame
    made = []
    for column, (metric, term) in _HEADLINE.items():
        row = compared[compared["metric"] == metric]
        current, previous = value_of(row, "current"), value_of(row, "previous")
        changed = tile(speech, term, current, previous, small=is_small(summary))
        # Only a part of an incomplete day is compared, and all of it is told.
        made.append(replace(changed, value=speech.number(value_of(summary, column))))
    return made


def _with_data(known: Completeness, speech: Speech) -> str:
    if known.first_day is None or known.known_until is None:
        return "there are no data yet"
    return f"there are data of {known.first_day} to {known.known_until.astimezone(speech.zone).date()}"


def _listed(days: Iterable[date], speech: Speech) -> str:
    return "; ".join(speech.days(each) for each in contiguous(days))
