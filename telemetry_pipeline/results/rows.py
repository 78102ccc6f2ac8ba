"""A result as rows for programs: plain values that strict JSON can hold. Layout for people is elsewhere."""

from __future__ import annotations

from datetime import date
from typing import Any

import pandas as pd


def to_rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return one ``{column: value}`` per row, in order: null is None, a date is ``YYYY-MM-DD``, numbers are Python's own.

    :raises ValueError: a value is infinite, which JSON cannot hold.
    """
    columns = [[_plain(value, str(name)) for value in frame[name].tolist()] for name in frame.columns]
    names = [str(name) for name in frame.columns]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _plain(value: Any, column: str) -> Any:
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float):
        if value != value:
            return None
        if value in (float("inf"), float("-inf")):
            raise ValueError(f"column {column} holds an infinite value")
    if isinstance(value, date):
        return value.isoformat()
    return value
