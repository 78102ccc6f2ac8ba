"""When people watch: by the hour and the weekday of the operator's local time. No people, no records."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.records.columns import Integers

OPERATOR_TIMEZONE = ZoneInfo("America/Mexico_City")

_HOUR_WEIGHTS = np.array(
    [26, 15, 9, 6, 5, 7, 14, 24, 30, 31, 31, 33, 38, 44, 46, 42, 40, 44, 55, 72, 92, 100, 84, 52], dtype=np.float64
)
_WEEKDAY_WEIGHTS = np.array([0.92, 0.90, 0.93, 0.96, 1.08, 1.22, 1.18])
_MOOD_SIGMA = 0.08
_HOUR, _DAY = 3_600, 86_400


def draw_times(rng: np.random.Generator, size: int, first: int, last: int) -> Integers:
    """Draw times from ``first`` to ``last``, as often as the hour, the weekday and the mood of the day have it."""
    hours, weights = _weighed(first, last)
    days = local_days(hours)
    weights = weights * rng.lognormal(0, _MOOD_SIGMA, int(days[-1] - days[0]) + 1)[days - days[0]]
    starts, ends = np.maximum(hours, first), np.minimum(hours + _HOUR, last)
    edges = np.cumsum(weights * (ends - starts))
    chosen = np.searchsorted(edges, rng.random(size) * edges[-1], side="right")
    return np.asarray(starts[chosen] + (rng.random(size) * (ends - starts)[chosen]).astype(np.int64))


def weight(first: int, last: int) -> float:
    """Return how much is watched in these whole hours, as a multiple of the mean of all hours of a week."""
    return float(_weighed(first, last)[1].mean() / (_HOUR_WEIGHTS.mean() * _WEEKDAY_WEIGHTS.mean()))


def draw_mood(rng: np.random.Generator) -> float:
    """Draw the factor by which a day differs from others of its weekday."""
    return float(rng.lognormal(0, _MOOD_SIGMA))


def local_days(times: Integers) -> Integers:
    """Return the local dates of these times, as days since 1970."""
    return np.asarray((times + _utc_offsets(times)) // _DAY)


def _weighed(first: int, last: int) -> tuple[Integers, NDArray[np.float64]]:
    """Return every hour that begins before ``last`` and ends after ``first``, and its weight."""
    hours = np.arange(first - first % _HOUR, last, _HOUR)
    local = hours + _utc_offsets(hours)
    # 1 January 1970 was a Thursday.
    return hours, _HOUR_WEIGHTS[local % _DAY // _HOUR] * _WEEKDAY_WEIGHTS[(local // _DAY + 3) % 7]


def _utc_offsets(times: Integers) -> NDArray[np.int64]:
    """Return the operator's offset from UTC in seconds, which is looked up once a day."""
    days, places = np.unique(times // _DAY, return_inverse=True)
    noons = [datetime.fromtimestamp(day * _DAY + _DAY // 2, UTC).astimezone(OPERATOR_TIMEZONE) for day in days.tolist()]
    offsets = [int((noon.utcoffset() or timedelta()).total_seconds()) for noon in noons]
    return np.array(offsets, dtype=np.int64)[places]
