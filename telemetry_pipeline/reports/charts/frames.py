"""What pictures read of results: columns as numbers and texts, marks, and sections of tables that have several."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from telemetry_pipeline.amounts import NULL
from telemetry_pipeline.reports.figures.scales import Numbers
from telemetry_pipeline.reports.figures.themes import BLUE, GREY, pale


def numbers_of(frame: pd.DataFrame, column: str) -> Numbers:
    """Return a column as numbers, NaN for null."""
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def texts_of(frame: pd.DataFrame, column: str) -> list[str]:
    """Return a column as texts, a dash for null."""
    return [NULL if pd.isna(each) else str(each) for each in frame[column]]


def matches(frame: pd.DataFrame, column: str, value: str) -> npt.NDArray[np.bool_]:
    """Return which rows have a value in a column."""
    return np.array([each == value for each in texts_of(frame, column)], dtype=bool)


def known(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    """Return the rows in which no column of some is null."""
    return frame.dropna(subset=list(columns))


def is_small(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Return which rows are of few subscribers."""
    return flags(frame, "small_base")


def flags(frame: pd.DataFrame, column: str) -> npt.NDArray[np.bool_]:
    """Return which rows have yes in a column; none, where it is not there."""
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    return frame[column].eq(True).fillna(False).to_numpy(dtype=bool)


def shades(frame: pd.DataFrame, colour: str = BLUE) -> list[str]:
    """Return the colour of each row: grey for few subscribers, pale where the day is not complete."""
    pairs = zip(is_small(frame), flags(frame, "provisional"), strict=True)
    return [GREY if small else pale(colour) if provisional else colour for small, provisional in pairs]


def sections(frame: pd.DataFrame, section: str, item: str, value: str) -> dict[str, float]:
    """Return the items of one section."""
    part = frame[matches(frame, "section", section)]
    return dict(zip(texts_of(part, item), map(float, numbers_of(part, value)), strict=True))


def only_row(frame: pd.DataFrame) -> dict[str, float]:
    """Return the figures of a table of one row."""
    return {str(column): float(numbers_of(frame, str(column))[0]) for column in frame.columns if column != "small_base"}
