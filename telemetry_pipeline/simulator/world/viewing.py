"""Which device shows what until when, and for how long. No clocks that are wrong, no arrivals, no ids."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from telemetry_pipeline.simulator.records.columns import Integers, Mask
from telemetry_pipeline.simulator.world.households import Households

# Zapping away shortens views, so that what is meant to take longer ends at a median of 2,100 s.
_MEANT_MEDIAN = 2_450
_MEANT_SIGMA = 1.0
# Apps do not report shorter views; longer ones are meant by nobody.
_SHORTEST, _LONGEST = 60, 8 * 3_600
_ZAPPING = 30
# About 0.4 % of all views: the devices that are left on now and then are an eighth of all.
_LEFT_ON_CHANCE = 0.033
_LEFT_ON_MEDIAN, _LEFT_ON_SIGMA = 22 * 3_600, 1.1
_LEFT_ON_BOUNDS = (_LONGEST + 1, 400 * 3_600)
_ROUNDS = 8


@dataclass(frozen=True)
class Viewing:
    """Views as arrays of equal length: devices, when they stopped (seconds since 1970), how many seconds they took."""

    devices: Integers
    stopped: Integers
    durations: Integers

    def __len__(self) -> int:
        return len(self.stopped)


def watch(
    rng: np.random.Generator, households: Households, stopped: Integers, days: Integers, free_from: int | None = None
) -> Viewing:
    """Return views that stop at these times; no device shows two things at once, but for those that are left on.

    :param days: the households' day of each. :param free_from: when the first views of all devices may start; None: ever.
    :return: a few less if there are more than the devices can show.
    """
    devices = households.draw_devices(rng, days)
    for _ in range(_ROUNDS):
        gaps = _gaps(devices, stopped, free_from)
        crowded = gaps < _SHORTEST + _ZAPPING
        if not crowded.any():
            break
        devices[crowded] = households.draw_devices(rng, days[crowded])
    else:
        gaps = _gaps(devices, stopped, free_from)
    fits = gaps >= _SHORTEST + _ZAPPING
    devices, stopped, gaps = devices[fits], stopped[fits], gaps[fits]
    durations, left_on = draw_durations(rng, households, devices)
    between = gaps - rng.integers(1, _ZAPPING, len(gaps))
    return Viewing(devices, stopped, np.where(left_on, durations, np.minimum(durations, between)))


def draw_durations(rng: np.random.Generator, households: Households, devices: Integers) -> tuple[Integers, Mask]:
    """Return how long each would go on if nobody zapped, and which were left on."""
    size = len(devices)
    meant = rng.lognormal(np.log(_MEANT_MEDIAN), _MEANT_SIGMA, size)
    meant = np.where(meant > _LONGEST, rng.uniform(3_600, _LONGEST, size), meant)
    forgotten = np.clip(rng.lognormal(np.log(_LEFT_ON_MEDIAN), _LEFT_ON_SIGMA, size), *_LEFT_ON_BOUNDS)
    left_on = households.left_on[devices] & (rng.random(size) < _LEFT_ON_CHANCE)
    return np.where(left_on, forgotten, np.maximum(meant, _SHORTEST)).astype(np.int64), left_on


def _gaps(devices: Integers, stopped: Integers, free_from: int | None) -> Integers:
    """Return how long before each stop the device's stop before it was."""
    order = np.lexsort((stopped, devices))
    ordered, times = devices[order], stopped[order]
    gaps = np.empty(len(order), dtype=np.int64)
    gaps[order] = np.diff(times, prepend=0)
    firsts = order[np.diff(ordered, prepend=-1) > 0]
    gaps[firsts] = np.iinfo(np.int64).max if free_from is None else stopped[firsts] - free_from
    return gaps
