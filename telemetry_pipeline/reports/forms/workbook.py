"""A report as an Excel workbook: the figures that matter, a sheet a table with all its rows and a chart, and what each is."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.moments import moment
from telemetry_pipeline.reports.content.content import Content, Section
from telemetry_pipeline.reports.files import wording
from telemetry_pipeline.reports.files.book import WIDEST, Book, Wording, text_of
from telemetry_pipeline.reports.forms.notes import subject_of
from telemetry_pipeline.reports.forms.sheet_charts import chart_of
from telemetry_pipeline.words.language import Language, Texts
from telemetry_pipeline.words.reporting.reports import REPORTS

_IN_WORDS = {
    Language.ES: Wording(wording.heads, wording.said),
    Language.EN: Wording(lambda names, _: {name: name.replace("_", " ") for name in names}, lambda _, value: value),
}
_WIDE, _FIGURE = 34, 16


def to_workbook(content: Content, zone: ZoneInfo) -> bytes:
    """Return the workbook's bytes; the same content gives the same.

    :param zone: in which moments are written.
    :raises RequestRefused: a table has more rows than a sheet can hold.
    """
    say = Texts(REPORTS, content.language)
    book = Book(content.made_at)
    _add_summary(book, content, say)
    for section in content.sections:
        _add_section(book, section, content.language)
    _add_about(book, content, zone, say)
    return book.close()


def _add_summary(book: Book, content: Content, say: Texts) -> None:
    sheet = book.add_sheet(say.summary)
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, _WIDE)
    sheet.set_column(1, 3, _FIGURE)
    about = " · ".join(each for each in (subject_of(content), content.days) if each)
    book.write(sheet, 0, 0, content.title, bold=True, font_size=18)
    book.write(sheet, 1, 0, about)
    for line, notice in enumerate(content.notices, 2):
        book.write(sheet, line, 0, notice, bold=True, font_color="#6b4a00")
    head = 3 + len(content.notices)
    for at, text in enumerate((say.figure, say.value, say.change, say.previous)):
        book.write(sheet, head, at, text, bold=True, bottom=1, align="left" if at == 0 else "right")
    for line, each in enumerate(content.figures, head + 1):
        book.write(sheet, line, 0, each.name)
        for at, text in enumerate((each.value, each.change, each.previous), 1):
            book.write(sheet, line, at, text, align="right", bold=at == 1)
    contents = head + len(content.figures) + 2
    book.write(sheet, contents, 0, say.contents, bold=True)
    for line, section in enumerate(content.sections, contents + 1):
        book.write(sheet, line, 0, section.title)
    book.write(sheet, contents + len(content.sections) + 2, 0, content.made)


def _add_section(book: Book, section: Section, language: Language) -> None:
    sheet = book.add_result(section.result, section.title, _IN_WORDS[language])
    rows, columns = section.result.frame.shape
    if not rows:
        return
    sheet.autofilter(0, 0, rows, columns - 1)
    if section.picture is None:
        return
    analysis = find_analysis(section.name)
    chart = chart_of(book.workbook, sheet.get_name(), analysis, section.result.frame, section.title)
    if chart is not None:
        sheet.insert_chart(1, columns + 1, chart)


def _add_about(book: Book, content: Content, zone: ZoneInfo, say: Texts) -> None:
    """Add a sheet that says what every other is of."""
    sheet = book.add_sheet(say.about)
    sheet.freeze_panes(1, 1)
    sheet.set_column(0, 0, _WIDE)
    sheet.set_column(1, 2, WIDEST)
    sheet.set_column(3, 8, 20)
    for line, section in enumerate(content.sections, 1):
        for at, (head, value) in enumerate(_about(section, zone, say).items()):
            book.write(sheet, 0, at, head, bold=True)
            book.write(sheet, line, at, value, align="left", valign="top", text_wrap=at in (1, 2))
    for line, text in enumerate((say.small_base, say.provisional, content.made), len(content.sections) + 2):
        book.write(sheet, line, 0, text)


def _about(section: Section, zone: ZoneInfo, say: Texts) -> dict[str, Any]:
    info = section.result.info
    return {
        say.table: section.title,
        say.question: section.question,
        say.how_computed: section.how or None,
        say.first_day: info.period_first,
        say.last_day: info.period_last,
        say.rows: info.row_count,
        say.parameters: ", ".join(f"{name} = {text_of(value)}" for name, value in info.parameters.items()),
        say.computed: moment(info.computed_at, zone),
        say.analysis: info.asset,
    }
