"""A machine that is short of memory, as people are told of it before anything is killed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest
import sqlalchemy as sa
from clocks import Clock

from telemetry_pipeline.monitoring import memory
from telemetry_pipeline.monitoring.alerts.judging import Memory, judge
from telemetry_pipeline.monitoring.components import MEMORY, Addresses, Components
from telemetry_pipeline.monitoring.disks import Place
from telemetry_pipeline.settings import hardware

GB = 1_000_000_000
KEY = f"component:{MEMORY}"


@pytest.mark.parametrize(("gigabytes", "least"), [(1, 80_000_000), (64, 300_000_000)])
def test_little_memory_is_a_problem_once_it_lasts_until_there_is_more(
    engine: sa.Engine,
    redis_url: str,
    closed_port: int,
    clock: Clock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    gigabytes: int,
    least: int,
) -> None:
    addresses = Addresses(engine, engine, redis_url, f"http://127.0.0.1:{closed_port}")
    components = Components(addresses, timedelta(minutes=10), clock, [Place("TELEMETRY_HOME", tmp_path)])
    monkeypatch.setattr(hardware, "free_within_limits", lambda: [(least, gigabytes * GB)])
    assert components.look()[MEMORY].fault is None
    monkeypatch.setattr(hardware, "free_within_limits", lambda: [(least - 1, gigabytes * GB)])
    memories: dict[str, Memory] = {}
    told = []
    for _ in range(10):
        verdict = judge(memories, {MEMORY: components.look()[MEMORY]}, frozenset(), starting=False)
        memories = verdict.memories
        told.append([problem.key for problem in verdict.begun])
    assert told == [[]] * 9 + [[KEY]]
    assert verdict.begun[0].summary == "The machine is short of memory"
    assert "WORKER_CHILD_MEMORY_MB" in verdict.begun[0].advice
    assert "of memory" in verdict.begun[0].detail
    monkeypatch.setattr(hardware, "free_within_limits", lambda: [(least, gigabytes * GB)])
    assert judge(memories, {MEMORY: components.look()[MEMORY]}, {KEY}, starting=False).over == [KEY]


def test_a_machine_is_short_of_memory_though_the_watchs_own_container_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hardware, "free_within_limits", lambda: [(200_000_000, 256_000_000)])
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=100_000_000, total=4 * GB))
    assert memory.shortage() == "of 4 GB of memory 100 MB are left"
    monkeypatch.setattr(psutil, "virtual_memory", lambda: SimpleNamespace(available=400_000_000, total=4 * GB))
    assert memory.shortage() is None
