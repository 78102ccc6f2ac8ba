"""A workbook as a spreadsheet program reads it."""

from __future__ import annotations

import io
import re
import zipfile
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from xml.etree import ElementTree
from zoneinfo import ZoneInfo

import pandas as pd
import pytest

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.files import book
from telemetry_pipeline.reports.files.workbook import to_workbook
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.tables import StoredResult

MEXICO = ZoneInfo("America/Mexico_City")
_NAMES = {"s": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}
_REF = re.compile(r"([A-Z]+)(\d+)")


@dataclass(frozen=True)
class Seen:
    """A cell: what is in it, of which type, in which number format and font."""

    value: str | None
    type: str
    number_format: str
    bold: bool
    italic: bool
    colour: str | None


def read(data: bytes) -> dict[str, dict[str, Seen]]:
    """Every sheet's cells by their addresses."""
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        parts = {name: ElementTree.fromstring(file.read(name)) for name in file.namelist() if name.endswith(".xml")}
    texts = ["".join(each.itertext()) for each in parts["xl/sharedStrings.xml"].findall("s:si", _NAMES)]
    styles = parts["xl/styles.xml"]
    formats = {each.get("numFmtId"): each.get("formatCode") for each in styles.iterfind("s:numFmts/s:numFmt", _NAMES)}
    formats |= {"0": "general", "3": "#,##0", "4": "#,##0.00"}
    fonts = styles.findall("s:fonts/s:font", _NAMES)
    looks = styles.findall("s:cellXfs/s:xf", _NAMES)
    sheets = {}
    for number, sheet in enumerate(parts["xl/workbook.xml"].iterfind("s:sheets/s:sheet", _NAMES), 1):
        cells = {}
        for cell in parts[f"xl/worksheets/sheet{number}.xml"].iterfind(".//s:c", _NAMES):
            look = looks[int(cell.get("s", 0))]
            font = fonts[int(look.get("fontId", 0))]
            value, kind = cell.findtext("s:v", None, _NAMES), cell.get("t", "n")
            assert cell.find("s:f", _NAMES) is None, "a formula"
            colour = font.find("s:color", _NAMES)
            cells[str(cell.get("r"))] = Seen(
                texts[int(value)] if kind == "s" and value is not None else value,
                kind,
                str(formats[look.get("numFmtId")]),
                font.find("s:b", _NAMES) is not None,
                font.find("s:i", _NAMES) is not None,
                None if colour is None else colour.get("rgb"),
            )
        sheets[str(sheet.get("name"))] = cells
    return sheets


def result(name: str, frame: dict[str, list[Any]], **more: Any) -> StoredResult:
    known: dict[str, Any] = {
        "asset": name,
        "partition_date": date(2026, 11, 26),
        "period_first": date(2026, 10, 28),
        "period_last": date(2026, 11, 26),
        "parameters": {"limit": 20, "window_days": 30},
        "parameters_key": "",
        "row_count": len(next(iter(frame.values()))),
        "computed_at": datetime(2026, 11, 26, 20, 2, 3, tzinfo=UTC),
        "input_version": "",
        "code_version": "c0de",
        "compute_seconds": 0.0,
        "facts": {"known_until": "2026-11-26T20:00:00+00:00", "provisional_days": ["2026-11-26"]},
        "changed_version": 0,
        "rules": "None 30",
        "views_version": 41,
    }
    return StoredResult(ResultInfo(**(known | more)), pd.DataFrame(frame, dtype=object))


TOP = result(
    "top_channels",
    {"rank": [1, 2], "channel": ["=1+1", "https://x.example"], "views": [1234, None], "share_pct": [66.66666666666667, 33.0]},
)


def test_values_keep_their_kind_unrounded_under_a_bold_header() -> None:
    sheet = read(to_workbook([TOP], MEXICO))["top_channels"]
    assert [sheet[f"{letter}1"].value for letter in "ABCD"] == ["rank", "channel", "views", "share_pct"]
    assert all(sheet[f"{letter}1"].bold for letter in "ABCD")
    assert (sheet["C2"].value, sheet["C2"].number_format) == ("1234", "#,##0")
    assert (float(sheet["D2"].value or 0), sheet["D2"].number_format) == (66.66666666666667, "#,##0.00")
    assert sheet["C3"].value is None


def test_people_read_their_own_words_in_it() -> None:
    risk = result("churn_risk", {"subscriber_code": ["S1"], "views_previous": [39], "risk": ["high"]})
    book = read(to_workbook([risk], MEXICO, words=True))
    [name] = [each for each in book if each != "about"]
    assert name == "Suscriptores en riesgo de irse"
    assert [book[name][f"{letter}1"].value for letter in "ABC"] == ["suscriptor", "reproducciones antes", "riesgo"]
    assert [book[name][f"{letter}2"].value for letter in "ABC"] == ["S1", "39", "alto"]


def test_text_that_looks_like_a_formula_or_a_link_is_text() -> None:
    data = to_workbook([TOP], MEXICO)
    sheet = read(data)["top_channels"]
    assert [(sheet[at].value, sheet[at].type) for at in ("B2", "B3")] == [("=1+1", "s"), ("https://x.example", "s")]
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert not any(b"hyperlink" in file.read(name) for name in file.namelist() if "worksheets" in name)


def test_dates_are_dates_and_the_header_stays_in_sight() -> None:
    days = result("active_subscribers", {"date": [date(2026, 11, 26)], "active_subscribers": [7]})
    data = to_workbook([days], MEXICO)
    cell = read(data)["active_subscribers"]["A2"]
    assert (cell.type, cell.number_format) == ("n", "yyyy-mm-dd")
    assert date.fromordinal(date(1899, 12, 30).toordinal() + int(cell.value or 0)) == date(2026, 11, 26)
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert b'ySplit="1"' in file.read("xl/worksheets/sheet1.xml")


def test_small_bases_are_grey_and_what_is_provisional_is_slanted() -> None:
    marked = replace(TOP, frame=TOP.frame.assign(small_base=[True, False], provisional=[False, True]))
    sheet = read(to_workbook([marked], MEXICO))["top_channels"]
    assert [(sheet[at].colour, sheet[at].italic) for at in ("B2", "C2", "D2")] == [("FF808080", False)] * 3
    assert [(sheet[at].colour == "FF808080", sheet[at].italic) for at in ("B3", "D3")] == [(False, True)] * 2


def test_another_sheet_says_what_each_is_of() -> None:
    sheets = read(to_workbook([TOP, replace(TOP, info=replace(TOP.info, asset="geography"))], MEXICO))
    assert list(sheets) == ["top_channels", "geography", "about"]
    about = sheets["about"]
    said = {about[f"A{line}"].value: about[f"B{line}"].value for line in range(1, 40) if f"A{line}" in about}
    assert said["question"] == find_analysis("top_channels").question
    assert said["parameter limit"] == "20"
    assert said["computed"] == "2026-11-26 14:02:03 America/Mexico_City"
    assert said["known until"] == "2026-11-26 14:00:00 America/Mexico_City"
    assert said["provisional days"] == "2026-11-26"
    assert said["version of the views"] == "41"
    assert about["C1"].value == "geography"


def test_the_same_results_are_the_same_bytes() -> None:
    assert to_workbook([TOP], MEXICO) == to_workbook([TOP], MEXICO)


def test_more_rows_than_a_sheet_holds_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "_MOST_ROWS", 1)
    with pytest.raises(RequestRefused, match="take --format csv"):
        to_workbook([TOP], MEXICO)
