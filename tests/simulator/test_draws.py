"""Choices by weight come as often as they weigh, and never from elsewhere."""

from __future__ import annotations

import numpy as np

from telemetry_pipeline.simulator.world.draws import Urns


def test_what_is_drawn_is_in_its_urn_and_as_frequent_as_it_weighs() -> None:
    weights = np.array([1.0, 0.0, 3.0, 1e-9, 5.0, 0.0, 2.0, 2.0])
    urns = np.array([0, 0, 0, 1, 2, 2, 3, 3])
    asked = np.repeat(np.arange(4), 10_000)
    drawn = Urns(weights, urns).draw(np.random.default_rng(1), asked)
    assert (urns[drawn] == asked).all()
    shares = np.bincount(drawn, minlength=8) / 10_000
    assert np.allclose(shares, [0.25, 0, 0.75, 1, 1, 0, 0.5, 0.5], atol=0.02)
    assert (shares[[1, 5]] == 0).all()
