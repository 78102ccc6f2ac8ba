"""In which form and where to somebody gets what is asked for: table, JSON, CSV or workbook; on the screen or in a file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from telemetry_pipeline.cli.output import on_terminal, print_table, table_text
from telemetry_pipeline.cli.saying import hand_over, say
from telemetry_pipeline.cli.showing.forms import FORMS, Form
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.files.csv_text import to_csv, to_excel_csv


@dataclass(frozen=True)
class Table:
    """A table for people; see ``output.print_table``."""

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    caption: str | None = None
    looks: Sequence[str] | None = None
    prose: bool = False


class Delivery:
    """A form, and where it goes.

    :ivar form: as it was asked for, else as the name of *output* says, else a table.
    :raises click.UsageError: they do not go together.
    """

    def __init__(self, form: Form | None, output: Path | None, excel: bool = False) -> None:
        named = next((each for each in FORMS if output is not None and output.suffix.lower() == f".{each}"), None)
        self.form: Form = form or named or "table"
        self._output = output
        self._excel = excel
        if excel and self.form != "csv":
            raise click.UsageError("--excel is for --format csv.")
        if self.form == "xlsx" and output is None and sys.stdout.isatty():
            raise click.UsageError("A workbook is not for a terminal; give --output FILE.")

    @property
    def on_terminal(self) -> bool:
        """Whether a person sees it at once."""
        return self._output is None and on_terminal()

    def put(self, content: str | bytes) -> None:
        """Hand over what is in its form already.

        :raises RequestRefused: the file cannot be written.
        """
        data = content if isinstance(content, bytes) else content.encode()
        if self._output is None:
            hand_over(data)
            return
        try:
            self._output.write_bytes(data)
        except OSError as err:
            raise RequestRefused(f"{self._output} cannot be written: {err.strerror}") from err

    def tables(self, tables: Sequence[Table]) -> None:
        """Hand over tables for people."""
        if self._output is not None:
            self.put("\n".join(f"{table_text(each.columns, each.rows, each.caption)}\n" for each in tables))
            return
        for number, each in enumerate(tables):
            if number:
                say()
            print_table(each.columns, each.rows, each.caption, each.looks, prose=each.prose)

    def csv(self, columns: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Hand over rows of plain values as CSV, for programs or for Excel."""
        self.put(to_excel_csv(columns, rows) if self._excel else to_csv(columns, rows))
