"""Processes of a stack are struck at random; it heals by itself, nothing is lost, twice, wrong or stuck, and people are told.

The long form is ``python -m bench.chaos``.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.chaos import chaos
from bench.chaos_report import show

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]

# PostgreSQL, code server, daemon, a step, a run, another process of PostgreSQL, all of it stopped, broker, worker.
SEED, STRIKES = 20594, 9


def test_a_stack_heals_whatever_is_struck(tmp_path: Path) -> None:
    report = chaos(tmp_path, STRIKES, SEED, records=6_000, say=print)
    show(report, print)
    assert report.findings == []
    assert report.ticks > 0
