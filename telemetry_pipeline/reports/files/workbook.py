"""Results as an Excel workbook: a sheet each, unrounded, and one that says what they are of."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import xlsxwriter

from telemetry_pipeline.amounts import number
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.moments import moment
from telemetry_pipeline.reports.files.counts import whole_counts
from telemetry_pipeline.reports.files.wording import heads, said
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.words.analyses import about

ABOUT = "about"
_MOST_ROWS = 1_048_575
_LONGEST_TEXT = 32_767
_LONGEST_NAME = 31
_WIDEST = 60
_SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_GREY = "#808080"
_NUMBER_FORMATS = {int: "#,##0", float: "#,##0.00", date: "yyyy-mm-dd"}


def to_workbook(found: Sequence[StoredResult], zone: ZoneInfo, *, words: bool = False) -> bytes:
    """Return the workbook's bytes; the same results give the same.

    :param words: whether sheets, columns and values are called as people call them, in Spanish.
    :raises RequestRefused: a result has more rows than a sheet can hold.
    """
    buffer = io.BytesIO()
    book = _Book(buffer, words=words)
    for result in found:
        book.add_result(result)
    book.add_about(found, zone)
    # Else it is the time of writing.
    book.workbook.set_properties({"created": max(each.info.computed_at for each in found).replace(tzinfo=None)})
    book.workbook.close()
    return buffer.getvalue()


class _Book:
    def __init__(self, buffer: io.BytesIO, *, words: bool) -> None:
        self._words = words
        self.workbook = xlsxwriter.Workbook(buffer, _SAFE)
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def add_result(self, result: StoredResult) -> None:
        """Add a sheet with a header that stays in sight, and the rows."""
        info = result.info
        if info.row_count > _MOST_ROWS:
            raise RequestRefused(
                f"{info.asset} has {info.row_count:,} rows, and a sheet holds {_MOST_ROWS:,}", "take --format csv"
            )
        columns = find_analysis(info.asset).columns
        dates = {column.name for column in columns if column.type == "date"}
        sheet = self.workbook.add_worksheet(self._called(info.asset)[:_LONGEST_NAME])
        sheet.freeze_panes(1, 0)
        rows = whole_counts(columns, to_rows(result.frame))
        called = heads(list(result.frame.columns)) if self._words else {}
        for at, name in enumerate(result.frame.columns):
            sheet.write_string(0, at, called.get(name, name), self._format(bold=True))
            for line, row in enumerate(rows, 1):
                value = said(name, row[name]) if self._words else row[name]
                self._write(sheet, line, at, date.fromisoformat(value) if value and name in dates else value, row)
            longest = max([len(called.get(name, name)), *(len(_text(row[name])) for row in rows)])
            sheet.set_column(at, at, min(_WIDEST, 2 + longest))

    def _called(self, analysis: str) -> str:
        known = about(analysis) if self._words else None
        return known.title if known and len(known.title) <= _LONGEST_NAME else analysis

    def add_about(self, found: Sequence[StoredResult], zone: ZoneInfo) -> None:
        """Add a sheet that says what every other is of."""
        sheet = self.workbook.add_worksheet(ABOUT)
        sheet.freeze_panes(0, 1)
        sheet.set_column(0, 0, 22)
        sheet.set_column(1, len(found), _WIDEST)
        for at, result in enumerate(found, 1):
            for line, (name, value) in enumerate(_about(result, zone).items()):
                sheet.write_string(line, 0, name, self._format(bold=True))
                self._write(sheet, line, at, value, {}, align="left")

    def _write(self, sheet: Any, line: int, at: int, value: Any, row: Mapping[str, Any], **look: Any) -> None:
        if row.get(SMALL_BASE.name):
            look["font_color"] = _GREY
        if row.get(PROVISIONAL.name):
            look["italic"] = True
        if type(value) in _NUMBER_FORMATS:
            look["num_format"] = _NUMBER_FORMATS[type(value)]
        form = self._format(**look)
        if value is None:
            sheet.write_blank(line, at, None, form)
        elif isinstance(value, bool):
            sheet.write_boolean(line, at, value, form)
        elif isinstance(value, (int, float)):
            sheet.write_number(line, at, value, form)
        elif isinstance(value, date):
            sheet.write_datetime(line, at, value, form)
        else:
            sheet.write_string(line, at, str(value)[:_LONGEST_TEXT], form)

    def _format(self, **look: Any) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self.workbook.add_format(look)
        return self._formats[key]


def _about(result: StoredResult, zone: ZoneInfo) -> dict[str, Any]:
    info = result.info
    facts = dict(info.facts)
    known_until = facts.pop("known_until", None)
    return {
        "analysis": info.asset,
        "question": find_analysis(info.asset).question,
        "first day": "all history" if info.period_first == date.min else info.period_first,
        "last day": info.period_last,
        **{f"parameter {name}": _text(value) for name, value in info.parameters.items()},
        "rows": info.row_count,
        "computed": moment(info.computed_at, zone),
        "known until": moment(datetime.fromisoformat(known_until), zone) if known_until else None,
        **{name.replace("_", " "): _text(value) for name, value in facts.items()},
        "version of the views": info.views_version,
        "version of the code": info.code_version,
        "the views changed since": result.outdated,
        "grey": "from fewer than SMALL_BASE_SUBSCRIBERS subscribers",
        "slanted": "provisional: of days that are not complete",
    }


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return json.dumps(value, ensure_ascii=False)
