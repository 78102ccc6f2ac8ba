"""How results look: tables for people, CSV and JSON for programs. On a terminal with colours and frames, else plain."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from telemetry_pipeline.amounts import number
from telemetry_pipeline.cli.saying import say_lines
from telemetry_pipeline.printable import printable

# What Excel takes for the beginning of a formula; the last four are those of East Asia.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")

# Narrower than this, sentences are hard to read.
_PROSE_WIDTH = 24

Cell = tuple[str, bool]


def print_table(
    columns: Sequence[str],
    rows: Iterable[Sequence[Any]],
    caption: str | None = None,
    looks: Sequence[str] | None = None,
    *,
    prose: bool = False,
) -> None:
    """Print rows for a person to read: numbers to the right, nothing where there is no value.

    In a terminal that is too narrow for the table without frames, and if it is too narrow for that, one record a block.

    :param looks: how each row looks on a terminal, as rich calls it, such as ``dim``.
    :param prose: the last column holds sentences, which may take several lines.
    """
    console = Console()
    if not console.is_terminal:
        say_lines(table_text(columns, rows, caption))
        return
    body = [[_cell(value) for value in row] for row in rows]
    styles = looks or [""] * len(body)
    widths = _widths(columns, body)
    needed = [*widths[:-1], min(widths[-1], _PROSE_WIDTH)] if prose else widths
    if sum(needed) + 3 * len(needed) + 1 <= console.width:
        console.print(_framed(columns, body, styles, prose))
    elif sum(widths) + 2 * (len(widths) - 1) <= console.width:
        for line, style in zip(plain_table(columns, body).split("\n"), ["", *styles], strict=True):
            console.print(Text(line), style=style)
    else:
        for number, (row, style) in enumerate(zip(body, styles, strict=True), 1):
            console.print(_block(number, columns, row), style=style, soft_wrap=True)
    if caption:
        console.print(Text(printable(caption, "\n"), style="italic"), soft_wrap=True)  # a command in it can be copied


def on_terminal() -> bool:
    """Whether a person sees what is printed as it is printed."""
    return Console().is_terminal


def table_text(columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str | None = None) -> str:
    """What :func:`print_table` prints where there is no terminal."""
    text = plain_table(columns, [[_cell(value) for value in row] for row in rows])
    return "\n".join([text, printable(caption, "\n")]) if caption else text


def plain_table(columns: Sequence[str], body: Sequence[Sequence[Cell]]) -> str:
    """Rows of ``(text, is a number)`` in aligned columns, under a line with the columns' names."""
    widths = _widths(columns, body)
    numeric = _numeric(columns, body)

    def line(texts: Iterable[str]) -> str:
        cells = zip(texts, widths, numeric, strict=True)
        padded = (f"{_space(text, width)}{text}" if right else f"{text}{_space(text, width)}" for text, width, right in cells)
        return "  ".join(padded).rstrip()

    return "\n".join([line(columns), *(line(text for text, _ in row) for row in body)])


def to_json(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> str:
    """Rows of plain values (see ``results.rows``) as a JSON list of objects, or one object; what is missing is null."""
    found = rows if isinstance(rows, Mapping) else list(rows)
    return printable(json.dumps(found, ensure_ascii=False, allow_nan=False, indent=2), "\n")


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of plain values as CSV with a header; what is missing is nothing between the commas.

    Texts are as they are, but for what CSV does not need and a terminal would obey; one that a spreadsheet takes for a formula
    is changed in :func:`to_excel_csv` alone, for programs join by names.
    """
    lines = _Lines()
    writer = csv.writer(lines)
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_csv_value(row[name]) for name in columns])
    return "".join(lines)


def to_excel_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """As :func:`to_csv`, as a Spanish Excel opens it: byte order mark, semicolons, decimal commas, and no text a formula."""
    buffer = io.StringIO()
    buffer.write("\N{ZERO WIDTH NO-BREAK SPACE}")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([_excel_value(row[name]) for name in columns])
    return buffer.getvalue()


class _Lines(list[str]):
    """Lines that end as they do here; who writes them ends them with CRLF, for it quotes only what is in its line ends."""

    def write(self, line: str) -> None:
        """Take a line."""
        self.append(line.removesuffix("\r\n") + "\n")


def _csv_value(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return printable(value, "\n\t") if isinstance(value, str) else value


def _excel_value(value: Any) -> Any:
    if isinstance(value, float):
        return repr(value).replace(".", ",")
    if isinstance(value, str) and value.startswith(_FORMULA):
        return f"'{_csv_value(value)}"
    return _csv_value(value)


def moment(value: datetime, zone: ZoneInfo) -> str:
    """A point in time for people: ``2026-11-26 14:02:03 America/Mexico_City``."""
    return f"{bare_moment(value, zone)} {zone.key}"


def bare_moment(value: datetime, zone: ZoneInfo) -> str:
    """The same without the zone's name, where that is said once for many: see :func:`times_in`."""
    return value.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def times_in(zone: ZoneInfo) -> str:
    """What is said once of many times without a zone."""
    return f"times: {zone.key}"


def _framed(columns: Sequence[str], body: Sequence[Sequence[Cell]], styles: Sequence[str], prose: bool) -> RenderableType:
    table = Table()
    for at, (column, numeric) in enumerate(zip(columns, _numeric(columns, body), strict=True), 1):
        wraps = prose and at == len(columns)
        table.add_column(Text(column), justify="right" if numeric else "left", no_wrap=not wraps, overflow="fold")
    for row, style in zip(body, styles, strict=True):
        table.add_row(*(Text(text) for text, _ in row), style=style)
    return table


def _block(number: int, columns: Sequence[str], row: Sequence[Cell]) -> Text:
    width = max(map(cell_len, columns))
    lines = [f"{name}:{_space(name, width)} {text}".rstrip() for name, (text, _) in zip(columns, row, strict=True) if name]
    marks = "".join(f" {text}" for name, (text, _) in zip(columns, row, strict=True) if not name and text)
    return Text("\n".join([f"-- {number} --{marks}", *lines]))


def _widths(columns: Sequence[str], body: Sequence[Sequence[Cell]]) -> list[int]:
    return [max([cell_len(name), *(cell_len(row[at][0]) for row in body)]) for at, name in enumerate(columns)]


def _space(text: str, width: int) -> str:
    return " " * (width - cell_len(text))


def _numeric(columns: Sequence[str], body: Sequence[Sequence[Cell]]) -> list[bool]:
    return [any(row[at][1] for row in body) for at in range(len(columns))]


def _cell(value: Any) -> Cell:
    if value is None:
        return "", False
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if isinstance(value, (int, float)):
        return number(value), True
    return printable(str(value)), False  # names come from outside
