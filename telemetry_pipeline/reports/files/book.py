"""Sheets of an Excel workbook: values unrounded, texts that stay texts, grey and slanted where a figure says less."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from telemetry_pipeline.amounts import number
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.printable import printable
from telemetry_pipeline.reports.files.counts import whole_counts
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.tables import StoredResult

WIDEST = 60
"""Of a column, in letters."""
_MOST_ROWS = 1_048_575
_LONGEST_TEXT = 32_767
_LONGEST_NAME = 31
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\]")
_SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_GREY = "#808080"
_NUMBER_FORMATS = {int: {"num_format": "#,##0"}, float: {"num_format": "#,##0.00"}, date: {"num_format": "yyyy-mm-dd"}}
_WRITERS: Mapping[type, Callable[..., object]] = {
    type(None): Worksheet.write_blank,
    bool: Worksheet.write_boolean,
    int: Worksheet.write_number,
    float: Worksheet.write_number,
    date: Worksheet.write_datetime,
    str: Worksheet.write_string,
}

_Look = tuple[tuple[str, Any], ...]
"""As XlsxWriter calls it, by names."""
_OF_SMALL, _OF_PROVISIONAL = (("font_color", _GREY),), (("italic", True),)


@dataclass(frozen=True)
class Wording:
    """What the columns of an analysis are called, by their names, and how their values are said."""

    heads: Callable[[Sequence[str], str], Mapping[str, str]]
    said: Callable[[str, Any], Any]


class Book:
    """A workbook while it is written.

    :param created: what it says of when it was made; else it would be the time of writing, and no two the same.
    """

    def __init__(self, created: datetime) -> None:
        self._buffer = io.BytesIO()
        self.workbook = xlsxwriter.Workbook(self._buffer, _SAFE)
        self.workbook.set_properties({"created": created.replace(tzinfo=None)})
        self._formats: dict[tuple[_Look, type], Any] = {}

    def close(self) -> bytes:
        """Return the bytes; nothing can be added any more."""
        self.workbook.close()
        return self._buffer.getvalue()

    def add_sheet(self, name: str) -> Any:
        """Return a new sheet of that name, or of one like it where it cannot be a name or is one already."""
        plain = _NOT_IN_NAMES.sub(" ", printable(name)).strip(" '") or "-"
        taken = {each.get_name().casefold() for each in self.workbook.worksheets()} | {"history"}
        called, count = _shortened(plain, _LONGEST_NAME), 1
        while called.casefold() in taken:
            count += 1
            called = f"{_shortened(plain, _LONGEST_NAME - len(str(count)) - 1)} {count}"
        return self.workbook.add_worksheet(called)

    def add_result(self, result: StoredResult, name: str, wording: Wording) -> Any:
        """Return a new sheet with a header that stays in sight, and all rows.

        :raises RequestRefused: there are more rows than a sheet can hold.
        """
        info = result.info
        if info.row_count > _MOST_ROWS:
            raise RequestRefused(
                f"{info.asset} has {info.row_count:,} rows, and a sheet holds {_MOST_ROWS:,}", "take --format csv"
            )
        columns = find_analysis(info.asset).columns
        dates = {column.name for column in columns if column.type == "date"}
        sheet = self.add_sheet(name)
        sheet.freeze_panes(1, 0)
        rows = whole_counts(columns, to_rows(result.frame))
        looks = [_look_of(row) for row in rows]
        called = wording.heads(list(result.frame.columns), info.asset)
        for at, column in enumerate(result.frame.columns):
            self.write(sheet, 0, at, called[column], bold=True)
            values = [wording.said(column, row[column]) for row in rows]
            longest = max([len(called[column]), *(len(each) for each in {text_of(value) for value in set(values)})])
            sheet.set_column(at, at, min(WIDEST, 2 + longest))
            if column in dates:
                values = [date.fromisoformat(value) if value else None for value in values]
            for line, (value, look) in enumerate(zip(values, looks, strict=True), 1):
                self._put(sheet, line, at, value, look)
        return sheet

    def write(self, sheet: Any, line: int, at: int, value: Any, **look: Any) -> None:
        """Write a value, which keeps its kind, into a cell; lines and columns are counted from 0.

        :param look: as XlsxWriter calls it.
        """
        self._put(sheet, line, at, value, tuple(look.items()))

    def _put(self, sheet: Any, line: int, at: int, value: Any, look: _Look) -> None:
        kind = type(value) if type(value) in _WRITERS else str
        form = self._formats.get((look, kind))
        if form is None:
            form = self._formats[look, kind] = self.workbook.add_format(dict(look) | _NUMBER_FORMATS.get(kind, {}))
        _WRITERS[kind](sheet, line, at, str(value)[:_LONGEST_TEXT] if kind is str else value, form)


def _look_of(row: Mapping[str, Any]) -> _Look:
    return (_OF_SMALL if row.get(SMALL_BASE.name) else ()) + (_OF_PROVISIONAL if row.get(PROVISIONAL.name) else ())


def _shortened(text: str, length: int) -> str:
    """Return a text, or as many of its words as there is room for."""
    if len(text) <= length:
        return text
    cut = text[: length - 1]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" '") + "…"


def text_of(value: Any) -> str:
    """Return a value as a text."""
    if value is None or isinstance(value, str):
        return value or ""
    if isinstance(value, float):
        return number(value)
    if isinstance(value, list):
        return ", ".join(map(text_of, value))
    if type(value) is int:
        return str(value)
    return json.dumps(value, ensure_ascii=False)
