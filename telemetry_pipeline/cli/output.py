"""How results look: tables for people, CSV and JSON for programs. On a terminal with colours and frames, else plain."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(columns: Sequence[str], rows: Iterable[Sequence[Any]], caption: str | None = None) -> None:
    """Print rows for a person to read: numbers to the right, nothing where there is no value."""
    body = [[_cell(value) for value in row] for row in rows]
    console = Console()
    if console.is_terminal:
        table = Table(caption=caption and Text(caption), caption_justify="left")
        for column, numeric in zip(columns, _numeric(columns, body), strict=True):
            table.add_column(Text(column), justify="right" if numeric else "left", overflow="fold")
        for row in body:
            table.add_row(*(Text(text) for text, _ in row))
        console.print(table)
    else:
        click.echo(plain_table(columns, body))
        if caption:
            click.echo(caption)


def plain_table(columns: Sequence[str], body: Sequence[Sequence[tuple[str, bool]]]) -> str:
    """Rows of ``(text, is a number)`` in aligned columns, under a line with the columns' names."""
    widths = [max([len(name), *(len(row[at][0]) for row in body)]) for at, name in enumerate(columns)]
    numeric = _numeric(columns, body)

    def line(texts: Iterable[str]) -> str:
        cells = zip(texts, widths, numeric, strict=True)
        return "  ".join(text.rjust(width) if right else text.ljust(width) for text, width, right in cells).rstrip()

    return "\n".join([line(columns), *(line(text for text, _ in row) for row in body)])


def to_json(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of plain values (see ``reports.rows``) as a JSON list of objects; what is missing is null."""
    return json.dumps(list(rows), ensure_ascii=False, allow_nan=False, indent=2)


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of plain values as CSV with a header; what is missing is nothing between the commas."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(columns)
    for row in rows:
        values = [row[name] for name in columns]
        writer.writerow([str(value).lower() if isinstance(value, bool) else value for value in values])
    return buffer.getvalue()


def duration(seconds: float) -> str:
    """A time span for people: ``4.2 s``, ``3 min 20 s``, ``2 h 5 min``, ``3 d 4 h``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def moment(value: datetime) -> str:
    """A point in time for people, in the time zone that it carries."""
    return value.strftime("%Y-%m-%d %H:%M:%S %Z").rstrip()


def _numeric(columns: Sequence[str], body: Sequence[Sequence[tuple[str, bool]]]) -> list[bool]:
    return [any(row[at][1] for row in body) for at in range(len(columns))]


def _cell(value: Any) -> tuple[str, bool]:
    if value is None:
        return "", False
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if isinstance(value, int):
        return f"{value:,}", True
    if isinstance(value, float):
        return f"{value:,.2f}", True
    # Names come from outside: what would move the cursor or change colours is not for the terminal.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value)), False
