"""How results look: tables for people, JSON for programs. On a terminal with colours and frames, else plain."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from telemetry_pipeline.amounts import number
from telemetry_pipeline.cli.saying import say_lines
from telemetry_pipeline.printable import printable

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
    """Return whether a person sees what is printed as it is printed."""
    return Console().is_terminal


def table_text(columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str | None = None) -> str:
    """Return what :func:`print_table` prints where there is no terminal."""
    text = plain_table(columns, [[_cell(value) for value in row] for row in rows])
    return "\n".join([text, printable(caption, "\n")]) if caption else text


def plain_table(columns: Sequence[str], body: Sequence[Sequence[Cell]]) -> str:
    """Return rows of ``(text, is a number)`` in aligned columns, under a line with the columns' names."""
    widths = _widths(columns, body)
    numeric = _numeric(columns, body)

    def line(texts: Iterable[str]) -> str:
        cells = zip(texts, widths, numeric, strict=True)
        padded = (f"{_space(text, width)}{text}" if right else f"{text}{_space(text, width)}" for text, width, right in cells)
        return "  ".join(padded).rstrip()

    return "\n".join([line(columns), *(line(text for text, _ in row) for row in body)])


def to_json(rows: Iterable[Mapping[str, Any]] | Mapping[str, Any]) -> str:
    """Return rows of plain values (see ``results.rows``) as a JSON list of objects, or one object; what is missing is null."""
    found = rows if isinstance(rows, Mapping) else list(rows)
    return printable(json.dumps(found, ensure_ascii=False, allow_nan=False, indent=2), "\n")


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
