"""An answer in the form that was asked for, as the bytes that are sent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import orjson
import pandas as pd

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.errors import NothingToDraw
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.reports.files.csv_text import to_csv, to_excel_csv
from telemetry_pipeline.reports.files.wording import heads, in_words
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.web.computing.question import Question

LINKS: Mapping[str, str] = {"channel": "/canal?canal=", "subscriber_code": "/suscriptor?suscriptor="}
"""Where the marks of pictures on pages lead, by the column that they are of."""
_CHANNELS = ("channel", "from_channel", "to_channel")


def body_of(question: Question, found: StoredResult, zone: ZoneInfo) -> bytes:
    """Return the answer that *found* is to a question; columns that are not for whoever asks are left out.

    :raises RequestRefused: it has no such form.
    """
    shown = found if question.personal else _without_subscribers(found)
    if question.form == "json":
        return orjson.dumps(_described(found, shown))
    if question.form == "csv":
        write = to_excel_csv if question.look.excel else to_csv
        columns, rows = [str(name) for name in shown.frame.columns], to_rows(shown.frame)
        if question.look.words:
            return write(list(heads(columns).values()), in_words(columns, rows)).encode()
        return write(columns, rows).encode()
    if question.form == "xlsx":
        return _workbook(shown, zone, words=question.look.words)
    return _picture(question, shown)


def _described(found: StoredResult, shown: StoredResult) -> dict[str, Any]:
    info = found.info
    facts = dict(info.facts)
    return {
        "analysis": info.asset,
        "question": find_analysis(info.asset).question,
        "period": {
            "first": None if info.period_first == date.min else info.period_first.isoformat(),
            "last": info.period_last.isoformat(),
        },
        "parameters": dict(info.parameters),
        "columns": [str(name) for name in shown.frame.columns],
        "left_out": [str(name) for name in found.frame.columns if name not in shown.frame.columns],
        "rows": to_rows(shown.frame),
        "provisional": bool(facts.get("provisional_days")) or facts.get("settled") is False,
        "facts": facts,
        "views_version": info.views_version,
    }


def _without_subscribers(found: StoredResult) -> StoredResult:
    named = [column.name for column in find_analysis(found.info.asset).columns if column.is_personal]
    frame = found.frame.drop(columns=named)
    frame.attrs = found.frame.attrs
    return replace(found, frame=frame)


def _workbook(found: StoredResult, zone: ZoneInfo, *, words: bool) -> bytes:
    from telemetry_pipeline.reports.files.workbook import to_workbook  # noqa: PLC0415 - who makes none does not pay for it

    return to_workbook([found], zone, words=words)


def _picture(question: Question, found: StoredResult) -> bytes:
    look, name = question.look, question.look.drawn or question.name
    frame = _of_channel(found.frame, look.channel)
    picture: str | bytes | None
    if question.form == "svg":
        links = LINKS if look.theme == "page" else None
        picture = drawing.svg(name, frame, theme=look.theme, width=look.width, links=links)
    else:
        picture = drawing.png(name, frame, theme="dark" if look.theme == "dark" else "light", width=look.width)
    if picture is None:
        raise NothingToDraw(f"there is nothing to draw of {name} in these days")
    return picture.encode() if isinstance(picture, str) else picture


def _of_channel(frame: pd.DataFrame, channel: str) -> pd.DataFrame:
    """Return the rows about a channel, if one is named and some are."""
    columns = [name for name in _CHANNELS if name in frame]
    if not channel or not columns:
        return frame
    part = frame[(frame[columns] == channel).any(axis=1)].reset_index(drop=True)
    part.attrs = frame.attrs
    return part
