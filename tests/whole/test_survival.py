"""Processes of a stack are struck at random; it heals by itself, nothing is lost, twice, wrong or stuck, and people are told.

The long form is ``python -m bench.chaos``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.chaos import chaos, show

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

# Few strikes that hit much: worker, broker, PostgreSQL, a step, everything stopped, runs, daemon, code server.
SEED, STRIKES = 95090, 10


def test_a_stack_heals_whatever_is_struck(tmp_path: Path) -> None:
    report = chaos(tmp_path, STRIKES, SEED, records=6_000, say=print)
    show(report, print)
    assert report.findings == []
    assert report.ticks > 0
