"""PanAccess's export files: what went out comes in again, and what cannot be used is named."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.export_file import BadExport, load
from telemetry_pipeline.simulator.records.fields import FIELDS
from telemetry_pipeline.simulator.server import SimulatorServer

HEADER = "recordId;actionId;timestamp;dataName;anonymized"


def write_export(path: Path, records: list[dict[str, Any]], fields: tuple[str, ...], *, zipped: bool = False) -> Path:
    with gzip.open(path, "wt", encoding="utf-8") if zipped else path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, delimiter=";")
        rows.writerow(fields)
        for record in records:
            rows.writerow(["" if record.get(field) is None else record[field] for field in fields])
    return path


@pytest.mark.parametrize("zipped", [False, True], ids=["plain", "gzip"])
def test_an_export_of_a_history_is_served_like_the_history(start: Callable[..., Any], tmp_path: Path, zipped: bool) -> None:
    records = start(records_count=800).server.records()
    path = write_export(tmp_path / "telemetryrecords_2026-11-21_03-00_UTC.csv", records, FIELDS, zipped=zipped)
    # An export cannot tell an empty text from null, nor a missing field from a null one.
    expected = [{field: None if record.get(field) == "" else record.get(field) for field in FIELDS} for record in records]
    api = start(records=path)
    assert api.rows() == expected
    first, last = sorted(record["timestamp"] for record in records)[100:300:199]
    window = api.rules(("timestamp", "ge", first), ("timestamp", "le", last))
    assert api.rows(filters=window) == [record for record in expected if first <= record["timestamp"] <= last]


def test_rows_may_be_in_any_order_with_unknown_columns_odd_text_and_a_mark_of_order(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(b'\xef\xbb\xbfrecordId;dataName;novelty;manual\r\n9;"a;""b""\r\nc";;1\r\n\r\n3;;\xc3\xb1;FALSE\r\n')
    segment = load(path)
    assert segment.records(0, 2) == [
        {"recordId": 3, "dataName": None, "novelty": "ñ", "manual": False},
        {"recordId": 9, "dataName": 'a;"b"\r\nc', "novelty": None, "manual": True},
    ]


def test_live_records_come_on_top_of_an_export(start: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text(f"{HEADER}\n9000000000;7;2026-01-01 00:00:00;A;\n")
    times = iter([1_750_000_000.0] * 3)
    api = start(records=path, live=4, clock=lambda: next(times, 1_750_000_010.0))
    ids = api.ids()
    assert len(ids) == 41
    assert ids[0] == 9_000_000_000


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (f"{HEADER}\n1;7;2026-01-01 00:00:00;A;\nx1;7;;;", "row 3, column recordId: 'x1' is not a whole number"),
        (f"{HEADER}\n1;7;01.02.2026;A;", "row 2, column timestamp: '01.02.2026' is not a time YYYY-MM-DD HH:MM:SS"),
        (f"{HEADER}\n1;7;2026-02-30 00:00:00;A;", "row 2, column timestamp: '2026-02-30 00:00:00' is not a time"),
        (f"{HEADER}\n1;7.5;;;", "row 2, column actionId: '7.5' is not a whole number"),
        (f"{HEADER}\n1;7;;;maybe", "row 2, column anonymized: 'maybe' is neither true"),
        (f"{HEADER}\n;7;;;", "row 2, column recordId: '' is not a whole number"),
        (f"{HEADER}\n{2**63};7;;;", f"row 2, column recordId: '{2**63}' is not a whole number"),
        (f"{HEADER}\n1;;;;\n2;;;;\n1;;;;", "row 4, column recordId: 1 is also in row 2"),
        (f"{HEADER}\n1;7;;", "row 2: 4 values for 5 columns"),
        ("actionId,timestamp\n", "row 1: no column recordId"),
        ("", "row 1: no column recordId"),
        ("recordId;recordId\n", "row 1: a column occurs more than once"),
        (f'{HEADER}\n1;7;;"open;', "row 2: unexpected end of data"),
        (b"\xff\xfe\x00", "not UTF-8 text"),
        (b"\x1f\x8bnonsense", "broken gzip file"),
        (gzip.compress(b"recordId\n1\n" * 1000, mtime=0)[:40], "broken gzip file"),
    ],
)
def test_a_bad_file_is_one_line_that_names_row_and_column(tmp_path: Path, content: str | bytes, complaint: str) -> None:
    path = tmp_path / "export.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(BadExport) as raised:
        load(path)
    assert str(raised.value).startswith(f"{path}: {complaint}")
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_said_before_anything_is_served(tmp_path: Path) -> None:
    with (
        pytest.raises(BadExport, match="No such file"),
        SimulatorServer(Options(records=tmp_path / "none.csv")),
    ):
        pass
