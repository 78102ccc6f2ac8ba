"""Reports built of answers: each analysis a section, with the figures that matter before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import Analysis, GeneralParameters
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.days import Completeness, Period, contiguous
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.reports.content.content import Content, Section
from telemetry_pipeline.reports.content.tables import Notation, Shown, table
from telemetry_pipeline.reports.content.tiles import Tile, is_small, tile, value_of
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.shown import word

Ask = Callable[[str, Period, Mapping[str, Any]], StoredResult]
"""Gives the answer of an analysis over exactly some days: what looks back does so to the first of them."""

ROWS = 20
"""Of a table, in forms that people read."""

_HEADLINE = (("views", "view"), ("watch_hours", "watch_hours"), ("active_subscribers", "subscriber"))
_NOTATIONS: Mapping[str | None, Notation] = {"percent": "percent", "seconds": "seconds"}


def build(wanted: Wanted, ask: Ask, known: Completeness, speech: Speech, made_at: datetime) -> Content:
    """Return a report.

    :param known: what is known of its days.
    :raises TelemetryError: an answer cannot be had; a report is whole, or there is none.
    """
    period, say = wanted.period, speech.say
    lacking = [day for day in period.days() if not known.is_complete(day)]
    notices = [say.incomplete.format(days="; ".join(speech.days(each) for each in contiguous(lacking)))] if lacking else []
    return Content(
        name=wanted.kind.name,
        title=say[wanted.kind.name],
        subject=wanted.channel,
        period=period,
        days=speech.days(period),
        made_at=made_at,
        made=say.made.format(moment=speech.moment(made_at)),
        language=speech.language,
        complete=not lacking,
        notices=tuple(notices),
        figures=tuple(_figures(wanted, ask, speech)),
        sections=tuple(_section(find_analysis(name), wanted, ask, speech) for name in wanted.kind.analyses),
    )


def _figures(wanted: Wanted, ask: Ask, speech: Speech) -> list[Tile]:
    """Return what was watched, against as many days before."""
    parameters = {"channel": wanted.channel} if wanted.channel else {}
    now, before = (ask("general_summary", days, parameters).frame for days in (wanted.period, wanted.period.before()))
    return [
        tile(speech, term, value_of(now, column), value_of(before, column), small=is_small(now)) for column, term in _HEADLINE
    ]


def _section(analysis: Analysis, wanted: Wanted, ask: Ask, speech: Speech) -> Section:
    named = {"channel": wanted.channel} if wanted.channel else {}
    parameters = {name: value for name, value in named.items() if name in analysis.parameters.model_fields}
    result = ask(analysis.name, wanted.period, parameters)
    known = about(analysis.name) if speech.language is Language.ES else None
    return Section(
        name=analysis.name,
        title=known.title if known else analysis.name.replace("_", " ").capitalize(),
        question=known.question if known else analysis.question,
        how=known.how if known else "",
        table=table(result.frame, columns_of(analysis, result.frame, speech), speech, most=ROWS),
        picture=drawing.svg(analysis.name, result.frame, theme="paper"),
        result=result,
    )


def columns_of(analysis: Analysis, frame: pd.DataFrame, speech: Speech) -> list[Shown]:
    """Return the columns that people read of an answer: all but the marks of its rows, which are shown as such."""
    marks = (PROVISIONAL.name, SMALL_BASE.name)
    return [_shown(each, speech) for each in analysis.columns if each.name in frame and each.name not in marks]


def _shown(column: Column, speech: Speech) -> Shown:
    head = word(column.name) if speech.language is Language.ES else column.name.replace("_", " ")
    if column.type == "date":
        return Shown(column.name, "day", head=head)
    if column.type in ("text", "boolean"):
        return Shown(column.name, "text", head=head)
    return Shown(column.name, _NOTATIONS.get(column.unit, "number"), head=head)


def window_of(analysis: Analysis, period: Period) -> tuple[Period, dict[str, int]]:
    """Return the days and the window with which an analysis is about exactly a period."""
    if analysis.is_of_period or not issubclass(analysis.parameters, GeneralParameters):
        return period, {}
    return Period(period.last, period.last), {"window_days": period.length}
