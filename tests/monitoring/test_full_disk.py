"""A disk that is full, as people are told of it."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import sqlalchemy as sa
from clocks import Clock

from telemetry_pipeline.monitoring.alerts.judging import judge
from telemetry_pipeline.monitoring.components import DISKS, Addresses, Components
from telemetry_pipeline.monitoring.disks import Place


def test_a_full_disk_is_a_problem_with_its_path_until_there_is_room(
    engine: sa.Engine, redis_url: str, closed_port: int, clock: Clock, disk: Path
) -> None:
    """The stack stood still, and nobody was told why."""
    addresses = Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}")
    components = Components(addresses, timedelta(minutes=10), clock, [Place("TELEMETRY_HOME", disk)])
    first = judge({}, components.look(), frozenset(), starting=False)
    (disk / "filler").write_bytes(bytes(8_200_000))
    full = judge(first.memories, components.look(), frozenset(), starting=False)
    [problem] = [problem for problem in full.begun if problem.key == f"component:{DISKS}"]
    assert problem.summary == "A disk is full"
    assert str(disk) in problem.detail
    (disk / "filler").unlink()
    assert problem.key in judge(full.memories, components.look(), {problem.key}, starting=False).over
