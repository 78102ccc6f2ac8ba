from __future__ import annotations

import json
from datetime import date

import pandas as pd
import pytest

from telemetry_pipeline.results.rows import to_rows


def test_every_kind_of_null_is_none_and_values_are_pythons_own() -> None:
    frame = pd.DataFrame(
        {
            "views": pd.array([2**53 + 1, None], dtype="Int64"),
            "hours": pd.array([0.1, None], dtype="Float64"),
            "raw": [1.5, float("nan")],
            "day": pd.Series([date(2026, 1, 2), None], dtype=object),
            "at": pd.to_datetime(pd.array(["2026-01-02 03:04:05", None], dtype="string")),
            "channel": pd.array(["Ñu", None], dtype="string"),
            "peak": pd.array([True, None], dtype="boolean"),
        }
    )
    rows = to_rows(frame)
    assert rows == [
        {
            "views": 2**53 + 1,
            "hours": 0.1,
            "raw": 1.5,
            "day": "2026-01-02",
            "at": "2026-01-02T03:04:05",
            "channel": "Ñu",
            "peak": True,
        },
        dict.fromkeys(frame.columns),
    ]
    assert [type(value) for value in rows[0].values()] == [int, float, float, str, str, str, bool]
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_no_rows_are_an_empty_list() -> None:
    assert to_rows(pd.DataFrame({"channel": []})) == []


@pytest.mark.parametrize("value", [float("inf"), float("-inf")])
def test_an_infinite_value_is_refused_with_its_column(value: float) -> None:
    with pytest.raises(ValueError, match="column share_pct holds an infinite value"):
        to_rows(pd.DataFrame({"share_pct": [1.0, value]}))
