"""PanAccess's export files: ``;``-separated CSV in UTF-8, a header of API field names, empty for null, gzip or not."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from telemetry_pipeline.simulator.records.fields import FLAGS, LARGEST_ID, NUMBERS, TIMES, parse_time
from telemetry_pipeline.simulator.records.store import Segment

_GZIP_MAGIC = b"\x1f\x8b"
_LONGEST_VALUE = 10_000_000


class BadExport(ValueError):
    """The file cannot be used; the message is one line that names the file, and the row and column if it is a value.

    Rows are counted as a text editor counts lines, the header being the first.
    """


def load(path: Path) -> Segment:
    """Return all records of the file. Columns that the API does not have are kept as text."""
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == _GZIP_MAGIC
        opened = gzip.open if zipped else open
        with opened(path, "rt", encoding="utf-8-sig", newline="") as lines:
            return Segment.of_records(_records(path, lines))
    except UnicodeDecodeError as error:
        raise BadExport(f"{path}: not UTF-8 text ({error.reason})") from error
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadExport(f"{path}: broken gzip file ({error})") from error
    except OSError as error:
        raise BadExport(f"{path}: {error.strerror or error}") from error


def _records(path: Path, lines: io.TextIOBase) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(_LONGEST_VALUE)
    rows = csv.reader(lines, delimiter=";", strict=True)
    try:
        header = next(rows, [])
        if "recordId" not in header:
            raise BadExport(f"{path}: row 1: no column recordId; expected API field names separated by ;")
        if len(set(header)) < len(header):
            raise BadExport(f"{path}: row 1: a column occurs more than once")
        readers = [(name, _reader(name)) for name in header]
        seen: dict[int, int] = {}
        for row in rows:
            if not row:
                continue
            if len(row) != len(header):
                raise BadExport(f"{path}: row {rows.line_num}: {len(row)} values for {len(header)} columns")
            record = {}
            for (name, read), text in zip(readers, row, strict=True):
                try:
                    record[name] = read(text) if text else None
                except ValueError as error:
                    raise BadExport(f"{path}: row {rows.line_num}, column {name}: {_short(text)} {error}") from error
            identity = record["recordId"]
            where = f"{path}: row {rows.line_num}, column recordId"
            if identity is None or not 0 <= identity <= LARGEST_ID:
                raise BadExport(f"{where}: {_short(row[header.index('recordId')])} is not a whole number from 0 on")
            if seen.setdefault(identity, rows.line_num) != rows.line_num:
                raise BadExport(f"{where}: {identity} is also in row {seen[identity]}")
            yield record
    except csv.Error as error:
        raise BadExport(f"{path}: row {rows.line_num}: {error}") from error


def _reader(name: str) -> Callable[[str], Any]:
    if name in NUMBERS:
        return _whole
    if name in FLAGS:
        return _flag
    return _time if name in TIMES else str


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError("is not a whole number") from None


def _flag(text: str) -> bool:
    if text.lower() not in ("true", "false", "1", "0"):
        raise ValueError("is neither true, false, 1 nor 0")
    return text.lower() in ("true", "1")


def _time(text: str) -> str:
    try:
        parse_time(text)
    except ValueError:
        raise ValueError("is not a time YYYY-MM-DD HH:MM:SS") from None
    return text


def _short(text: str) -> str:
    return repr(text if len(text) <= 40 else f"{text[:40]}…")
