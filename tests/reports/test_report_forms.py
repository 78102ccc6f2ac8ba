"""Reports as PDF, workbook and HTML: each says what the report says, whatever names stand in it, or is not made at all."""

from __future__ import annotations

import ctypes
import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import jinja2
import pypdfium2
import pypdfium2.raw as raw
import pytest
from analyses.conftest import ZONE
from browser import chromium, needs_chromium
from python_calamine import CalamineWorkbook
from report_contents import content
from selenium import webdriver
from selenium.webdriver.common.by import By

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.reports.content.content import Content
from telemetry_pipeline.reports.forms import html, pdf, templating
from telemetry_pipeline.reports.forms.html import to_html
from telemetry_pipeline.reports.forms.pdf import to_pdf
from telemetry_pipeline.reports.forms.workbook import to_workbook
from telemetry_pipeline.words.language import Language

pytestmark = pytest.mark.pictures


def printed(data: bytes) -> str:
    """What can be read in a PDF, without its line breaks."""
    document = pypdfium2.PdfDocument(data)
    return " ".join("".join(page.get_textpage().get_text_bounded() for page in document).replace("\u200b", "").split())


def with_broken_picture(report: Content) -> Content:
    first, *others = report.sections
    return replace(report, sections=(replace(first, picture="<svg"), *others))


@pytest.mark.parametrize("name", KINDS)
def test_a_pdf_has_every_section_and_figure_and_something_on_each_page(name: str) -> None:
    report = content(name)
    data = to_pdf(report)
    text = printed(data)
    for expected in (report.title, report.days, report.made, *(each.value for each in report.figures)):
        assert " ".join(expected.split()) in text
    for section in report.sections:
        assert section.title in text
    for page in pypdfium2.PdfDocument(data):
        seen = page.render(scale=0.5).to_numpy()
        assert (seen < 128).any(), "a page without ink"
        assert seen[:, -5:].min() > 250, "something reaches the edge of the page"


def test_the_same_report_is_the_same_bytes() -> None:
    report = content("daily_report")
    assert to_pdf(report) == to_pdf(report)
    assert to_workbook(report, ZONE) == to_workbook(report, ZONE)


def test_a_pdf_is_set_in_fonts_that_come_along() -> None:
    """Oblique says of a row that it is provisional."""
    ours = {each.stem for each in Path(pdf.__file__).parent.glob("fonts/*.ttf")}
    assert fonts_of(to_pdf(content("daily_report"))) == ours == {"DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique"}


def fonts_of(data: bytes) -> set[str]:
    fonts = set()
    for page in pypdfium2.PdfDocument(data):
        for text in page.get_objects([raw.FPDF_PAGEOBJ_TEXT]):
            name = ctypes.create_string_buffer(100)
            raw.FPDFFont_GetBaseFontName(raw.FPDFTextObj_GetFont(text.raw), name, len(name))
            fonts.add(name.value.decode().split("+")[-1])
    return fonts


def test_names_run_nothing_in_a_pdf_and_are_read_as_they_are() -> None:
    text = printed(to_pdf(content("channel_report", hostile=True)))
    assert '#panic("x") $x$ *b* _i_ @ref <lab> \\ `r`' in text


@pytest.mark.parametrize("form", [to_pdf, to_html])
def test_english_reports_are_in_english(form: object) -> None:
    report = content("daily_report", Language.EN)
    made = form(report)  # type: ignore[operator]
    text = printed(made) if isinstance(made, bytes) else made
    assert "Daily report" in text
    assert "Hours watched" in text
    assert "Informe" not in text


def test_a_picture_that_cannot_be_drawn_leaves_no_pdf() -> None:
    with pytest.raises(RuntimeError):
        to_pdf(with_broken_picture(content("daily_report")))


def test_a_template_that_names_what_is_not_there_leaves_no_html(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "render", lambda _, **values: templating._environment().from_string("{{ lost }}").render(values))
    with pytest.raises(jinja2.UndefinedError):
        to_html(content("daily_report"))


@pytest.mark.parametrize("name", KINDS)
def test_a_workbook_has_all_rows_and_their_sums(name: str) -> None:
    report = content(name)
    book = CalamineWorkbook.from_filelike(io.BytesIO(to_workbook(report, ZONE)))
    assert len(book.sheet_names) == len(report.sections) + 2
    for place, section in enumerate(report.sections, 1):
        head, *rows = book.get_sheet_by_index(place).to_python()
        frame = section.result.frame
        assert len(rows) == len(frame)
        for at, column in enumerate(frame.columns):
            if frame[column].dtype in ("Int64", "Float64"):
                values = [row[at] for row in rows]
                total = sum(each for each in values if isinstance(each, (int, float)))
                assert total == pytest.approx(float(frame[column].sum())), head[at]


def test_a_workbook_has_charts_of_its_own_and_no_formula() -> None:
    with zipfile.ZipFile(io.BytesIO(to_workbook(content("daily_report", hostile=True), ZONE))) as file:
        charts = [each for each in file.namelist() if each.startswith("xl/charts/chart")]
        sheets = [file.read(each) for each in file.namelist() if each.startswith("xl/worksheets/sheet")]
    assert len(charts) == 4
    assert not any(b"<f>" in each or b"hyperlink" in each for each in sheets)
    assert all(b"<autoFilter" in each for each in sheets[1:-1])


def test_titles_alike_or_impossible_are_sheets_all_the_same() -> None:
    report = content("daily_report")
    sections = tuple(replace(each, title="'[a]:*?/\\ history" + "y" * 40) for each in report.sections)
    names = CalamineWorkbook.from_filelike(io.BytesIO(to_workbook(replace(report, sections=sections), ZONE))).sheet_names
    assert len({each.casefold() for each in names}) == len(report.sections) + 2
    assert all(0 < len(each) <= 31 for each in names)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    with chromium(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@needs_chromium
@pytest.mark.parametrize("hostile", [False, True], ids=["plain", "hostile"])
@pytest.mark.parametrize("name", ["daily_report", "channel_report"])
def test_a_page_has_its_pictures_and_tables_and_asks_nobody(
    browser: webdriver.Chrome, tmp_path: Path, name: str, hostile: bool
) -> None:
    report = content(name, hostile=hostile)
    page = tmp_path / "report.html"
    page.write_text(to_html(report), encoding="utf-8")
    browser.get_log("performance")
    browser.get(page.as_uri())
    pictures = browser.find_elements(By.CSS_SELECTOR, "figure > svg")
    assert len(pictures) == sum(each.picture is not None for each in report.sections)
    assert all(each.size["height"] > 50 for each in pictures)
    rows = browser.find_elements(By.CSS_SELECTOR, "tbody tr")
    assert len(rows) == sum(len(each.table.rows) for each in report.sections)
    assert browser.title.startswith(report.title)
    assert browser.find_elements(By.CSS_SELECTOR, "script, img, link, iframe") == []
    assert browser.execute_script("return getComputedStyle(document.querySelector('.figures')).display") == "grid"
    messages = [json.loads(each["message"])["message"] for each in browser.get_log("performance")]
    requests = [each["params"] for each in messages if each["method"] == "Network.requestWillBeSent"]
    assert any(each["request"]["url"].endswith(page.name) for each in requests)
    # Beside other work Chromium's own first page asks for its parts so late.
    asked = [each for each in requests if not each["documentURL"].startswith("chrome://")]
    assert [each for each in asked if not each["request"]["url"].endswith(page.name)] == []
    assert browser.get_log("browser") == []
