"""Rows as CSV: for programs, and as Excel opens it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from telemetry_pipeline.printable import printable

# What Excel takes for the beginning of a formula; the last four are those of East Asia.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def to_csv(columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows of plain values as CSV with a header; what is missing is nothing between the commas.

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
    """Write CSV that a Spanish Excel opens: with byte order mark, semicolons, decimal commas, and no text a formula."""
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
