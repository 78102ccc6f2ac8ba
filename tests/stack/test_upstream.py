"""A home keeps to the upstream that its data came from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.simulator.options import WIDEST_HOLE
from telemetry_pipeline.stack.preparing import completed
from telemetry_pipeline.stack.services.simulator import Simulator, SimulatorOptions
from telemetry_pipeline.stack.upstream import remember_upstream, settle_upstream


def test_a_later_start_simulates_the_same_history(tmp_path: Path) -> None:
    first = settle_upstream(tmp_path, SimulatorOptions(records_count=10))
    remember_upstream(tmp_path, first)
    assert first is not None
    assert first.end is not None
    again = settle_upstream(tmp_path, SimulatorOptions(records_count=10, live=0))
    assert again == replace(first, live=0)


def test_a_start_that_failed_binds_nobody(tmp_path: Path) -> None:
    settle_upstream(tmp_path, SimulatorOptions(records_count=10))
    assert settle_upstream(tmp_path, None) is None


@pytest.mark.parametrize(
    ("before", "after"),
    [
        pytest.param(SimulatorOptions(), None, id="simulated, then real"),
        pytest.param(None, SimulatorOptions(), id="real, then simulated"),
        pytest.param(SimulatorOptions(), SimulatorOptions(seed=2), id="another seed"),
        pytest.param(SimulatorOptions(), SimulatorOptions(records=Path("export.csv")), id="made up, then a file"),
    ],
)
def test_two_upstreams_never_mix(tmp_path: Path, before: SimulatorOptions | None, after: SimulatorOptions | None) -> None:
    remember_upstream(tmp_path, settle_upstream(tmp_path, before))
    with pytest.raises(StackError, match="TELEMETRY_HOME"):
        settle_upstream(tmp_path, after)


def test_the_ids_of_a_simulator_of_its_own_may_jump(tmp_path: Path) -> None:
    """They go by the clock: the cursor was held at the first live record, and every hour."""
    given = StackSettings.load(telemetry_home=tmp_path, database_url="postgresql://db/telemetry", redis_url="redis://broker/0")
    options = SimulatorOptions()
    settings = completed(given, options, None, None, Simulator(tmp_path, {}, options))
    assert settings.max_id_jump == WIDEST_HOLE
