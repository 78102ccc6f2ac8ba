"""Horizontal axes: the calendar, and the hours of a day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import numpy.typing as npt

from telemetry_pipeline.words import pictures as say
from telemetry_pipeline.words.shown import word

Numbers = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Scale:
    """A horizontal axis: where values stand, what each is called, and what is written below them, in lines."""

    positions: Numbers
    names: list[str]
    ticks: dict[int, list[str]]
    title: str

    @property
    def step(self) -> float:
        """The shortest distance of two values."""
        return float(np.diff(np.unique(self.positions)).min(initial=np.inf)) if len(set(self.positions)) > 1 else 1.0


def days(dates: Sequence[date], title: str = word("date")) -> Scale:
    """Return the calendar from the first of some dates to the last; about seven of them are written."""
    ticks: dict[int, list[str]] = {}
    year = None
    for day in sorted(set(dates))[:: max(1, -(-len(set(dates)) // 7))]:
        ticks[day.toordinal()] = [f"{day.day} {say.MONTHS[day.month - 1]}", *([str(day.year)] if day.year != year else [])]
        year = day.year
    return Scale(np.array([each.toordinal() for each in dates], dtype=float), [say.day(each) for each in dates], ticks, title)


def hours(values: Sequence[float]) -> Scale:
    """Return the hours of a day."""
    ticks = {hour: [str(hour)] for hour in range(0, 24, 2)}
    return Scale(np.asarray(values, dtype=float), [say.hour(each) for each in values], ticks, word("hour"))


def quarters(values: Sequence[float]) -> Scale:
    """Return the hours of a day and their quarters, which are called by the clock: ``20:15``."""
    names = [f"{int(each)}:{round(each % 1 * 60):02}" for each in values]
    return Scale(np.asarray(values, dtype=float), names, hours(()).ticks, word("hour"))
