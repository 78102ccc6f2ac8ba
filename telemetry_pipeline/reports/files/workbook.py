"""Results as an Excel workbook: a sheet each, unrounded, and one that says what they are of."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.moments import moment
from telemetry_pipeline.reports.files.book import WIDEST, Book, Wording, text_of
from telemetry_pipeline.reports.files.wording import heads, said
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.words.analyses import about

ABOUT = "about"
_LONGEST_TITLE = 31
_IN_WORDS = Wording(heads, said)
_BY_NAME = Wording(lambda columns, _: {name: name for name in columns}, lambda _, value: value)


def to_workbook(found: Sequence[StoredResult], zone: ZoneInfo, *, words: bool = False) -> bytes:
    """Return the workbook's bytes; the same results give the same.

    :param words: whether sheets, columns and values are called as people call them, in Spanish.
    :raises RequestRefused: a result has more rows than a sheet can hold.
    """
    book = Book(max(each.info.computed_at for each in found))
    for result in found:
        name = _title(result.info.asset) if words else result.info.asset
        book.add_result(result, name, _IN_WORDS if words else _BY_NAME)
    _add_about(book, found, zone)
    return book.close()


def _title(analysis: str) -> str:
    known = about(analysis)
    return known.title if known and len(known.title) <= _LONGEST_TITLE else analysis


def _add_about(book: Book, found: Sequence[StoredResult], zone: ZoneInfo) -> None:
    """Add a sheet that says what every other is of."""
    sheet = book.add_sheet(ABOUT)
    sheet.freeze_panes(0, 1)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, len(found), WIDEST)
    for at, result in enumerate(found, 1):
        for line, (name, value) in enumerate(_about(result, zone).items()):
            book.write(sheet, line, 0, name, bold=True)
            book.write(sheet, line, at, value, align="left")


def _about(result: StoredResult, zone: ZoneInfo) -> dict[str, Any]:
    info = result.info
    facts = dict(info.facts)
    known_until = facts.pop("known_until", None)
    return {
        "analysis": info.asset,
        "question": find_analysis(info.asset).question,
        "first day": "all history" if info.period_first == date.min else info.period_first,
        "last day": info.period_last,
        **{f"parameter {name}": text_of(value) for name, value in info.parameters.items()},
        "rows": info.row_count,
        "computed": moment(info.computed_at, zone),
        "known until": moment(datetime.fromisoformat(known_until), zone) if known_until else None,
        **{name.replace("_", " "): text_of(value) for name, value in facts.items()},
        "version of the views": info.views_version,
        "version of the code": info.code_version,
        "the views changed since": result.outdated,
        "grey": "from fewer than SMALL_BASE_SUBSCRIBERS subscribers",
        "slanted": "provisional: of days that are not complete",
    }
