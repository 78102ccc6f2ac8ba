"""Sections of reports: an answer in words, as a picture, and as a table that a reader takes in."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Mapping

import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.reports.content.content import Section
from telemetry_pipeline.reports.content.tables import Notation, Shown, table
from telemetry_pipeline.reports.files.wording import said
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.words.analyses import about
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.shown import word_of

ROWS = 20
"""Of a table, in forms that people read."""
_IN_A_ROW = 31
"""Rows of a table by days or hours alone: those of a month, and the 24 or 25 of a day."""
_NOTATIONS: Mapping[str | None, Notation] = {"percent": "percent", "seconds": "seconds"}


def section(result: StoredResult, speech: Speech, without: Collection[str] = ()) -> Section:
    """Return the section of an answer.

    :param without: columns that its table does not need.
    """
    analysis, frame = find_analysis(result.info.asset), result.frame
    known = about(analysis.name) if speech.language is Language.ES else None
    readable = _READABLE.get(analysis.name, _as_it_is)(frame)
    varying = [each for each in analysis.columns if each.key and frame[each.name].nunique(dropna=False) > 1]
    most = _IN_A_ROW if all(each.role == "time" for each in varying) else ROWS
    chosen = _CHOSEN.get(analysis.name, tuple(each.name for each in analysis.columns))
    shown = [
        each
        for each in columns_of(analysis, readable, speech)
        if each.name in chosen and each.name not in without and not (len(readable) and readable[each.name].isna().all())
    ]
    return Section(
        name=analysis.name,
        title=known.title if known else analysis.name.replace("_", " ").capitalize(),
        question=known.question if known else analysis.question,
        how=known.how if known else "",
        table=table(readable, shown, speech, most=most),
        picture=drawing.svg(analysis.name, frame, theme="paper"),
        result=result,
    )


def columns_of(analysis: Analysis, frame: pd.DataFrame, speech: Speech) -> list[Shown]:
    """Return the columns that people read of an answer: all but the marks of its rows, which are shown as such."""
    marks = (PROVISIONAL.name, SMALL_BASE.name)
    return [
        _shown(each, _head(analysis.name, each.name, speech.language), speech)
        for each in analysis.columns
        if each.name in frame and each.name not in marks
    ]


def _shown(column: Column, head: str, speech: Speech) -> Shown:
    if column.type == "date":
        return Shown(column.name, "day", head=head)
    if column.type == "boolean":
        return Shown(column.name, "text", head=head, words={"True": speech.say.yes, "False": speech.say.no}.__getitem__)
    if column.type == "text":
        coded = functools.partial(said, column.name) if speech.language is Language.ES else None
        return Shown(column.name, "text", head=head, words=coded)
    return Shown(column.name, _NOTATIONS.get(column.unit, "number"), head=head)


def _head(analysis: str, column: str, language: Language) -> str:
    return word_of(analysis, column) if language is Language.ES else column.replace("_", " ")


def _as_it_is(frame: pd.DataFrame) -> pd.DataFrame:
    return frame


def _largest_first(measure: str, of: str = "channel") -> Callable[[pd.DataFrame], pd.DataFrame]:
    """Return what puts the largest first, where rows are of several; those of one channel follow each other."""

    def sort(frame: pd.DataFrame) -> pd.DataFrame:
        several = frame[of].nunique() > 1
        return frame.sort_values(measure, ascending=False, kind="stable") if several else frame

    return sort


def _whole_days(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of whole days, where there are several days."""
    return frame[frame["hour"].isna()] if frame["date"].nunique() > 1 else frame


_READABLE: Mapping[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "average_audience": _largest_first("average_audience"),
    "peak_hours": _largest_first("views"),
    "reach": _largest_first("reached_subscribers"),
    "geography": _largest_first("views", of="country"),
    "concurrency": _whole_days,
}
"""What of an answer is read as a table, where it is not its rows as they are; the picture and the workbook have all."""
_CHOSEN: Mapping[str, Collection[str]] = {
    "average_audience": ("channel", "hour", "average_audience"),
    "channel_performance": (
        "channel",
        "rank",
        "performance_score",
        "watch_hours",
        "unique_subscribers",
        "views",
        "average_seconds",
        "watch_hours_per_subscriber",
    ),
    "period_channels": ("channel", "watch_hours", "unique_subscribers", "views", "share_pct", "average_seconds", "active_days"),
}
"""Columns of the widest tables that a page holds; the workbook has all."""
