"""Choices by weight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from telemetry_pipeline.simulator.records.columns import Integers

Weights = NDArray[np.float64]


def draw(rng: np.random.Generator, weights: Weights, size: int) -> Integers:
    """Draw places in ``weights``, the heavy ones more often."""
    edges = np.cumsum(weights)
    return np.searchsorted(edges / edges[-1], rng.random(size), side="right").astype(np.int64)


def zipf(size: int) -> Weights:
    """Return shares by rank, as popularity falls in Zipf's law."""
    weights = 1 / np.arange(1, size + 1)
    return np.asarray(weights / weights.sum())


class Urns:
    """Many choices, each among weights of its own: which device of this subscriber, who on this day."""

    def __init__(self, weights: Weights, urns: Integers) -> None:
        """``urns`` says which urn each weight is in; it ascends from 0, none is empty."""
        sums = np.bincount(urns, weights)
        self._edges = np.cumsum(weights / sums[urns])
        self._first = np.searchsorted(urns, np.arange(len(sums)))
        self._last = np.append(self._first[1:], len(urns)) - 1

    def draw(self, rng: np.random.Generator, urns: Integers) -> Integers:
        """Return one place from each of these urns."""
        below = np.where(self._first[urns] > 0, self._edges[self._first[urns] - 1], 0.0)
        above = self._edges[self._last[urns]]
        places = np.searchsorted(self._edges, below + rng.random(len(urns)) * (above - below), side="right")
        # Rounding may reach the neighbour.
        return np.asarray(np.clip(places, self._first[urns], self._last[urns]), dtype=np.int64)
