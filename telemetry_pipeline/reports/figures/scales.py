"""Horizontal axes: the calendar, and the hours of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.words.pictures import MONTHS
from telemetry_pipeline.words.shown import word

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """A horizontal axis: where values stand, and what is written below them."""

    positions: Numbers
    ticks: dict[float, str]
    title: str

    @property
    def step(self) -> float:
        """The shortest distance of two values."""
        return float(np.diff(np.unique(self.positions)).min(initial=np.inf)) if len(set(self.positions)) > 1 else 1.0


def days(dates: Sequence[date], title: str = word("date")) -> Scale:
    """The calendar from the first of some dates to the last; about seven of them are written."""
    positions = np.array([each.toordinal() for each in dates], dtype=float)
    ticks: dict[float, str] = {}
    year = None
    for day in sorted(set(dates))[:: max(1, -(-len(set(dates)) // 7))]:
        ticks[day.toordinal()] = f"{day.day} {MONTHS[day.month - 1]}" + (f"\n{day.year}" if day.year != year else "")
        year = day.year
    return Scale(positions, ticks, title)


def hours(values: Sequence[float]) -> Scale:
    """The hours of a day."""
    return Scale(np.asarray(values, dtype=float), {hour: str(hour) for hour in range(0, 24, 2)}, word("hour"))
