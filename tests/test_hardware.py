"""How much of the machine is there for a process, in containers and units, too."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from telemetry_pipeline.settings import hardware
from telemetry_pipeline.settings.computing import Limits, limits_within
from telemetry_pipeline.settings.loading import StackSettings

GB = 1_000_000_000
HOME = Path("/home/telemetry")
SPILL = HOME / "spill"


@pytest.fixture
def group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The control group of this process, in one of its own kind."""
    own = tmp_path / "cgroup"
    own.write_text("0::/system.slice/telemetry-worker@analysis.service\n")
    monkeypatch.setattr(hardware, "_OWN", own)
    monkeypatch.setattr(hardware, "_GROUPS", tmp_path / "tree")
    made = tmp_path / "tree" / "system.slice" / "telemetry-worker@analysis.service"
    made.mkdir(parents=True)
    return made


def test_without_limits_the_machine_is_there(group: Path) -> None:
    (group / "memory.max").write_text("max\n")
    (group / "cpu.max").write_text("max 100000\n")
    assert hardware.memory_bytes() == os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert hardware.processors() == len(os.sched_getaffinity(0))


def test_the_lowest_limit_of_a_unit_and_what_it_is_in_counts(group: Path) -> None:
    (group / "memory.max").write_text("300000000\n")
    (group.parent / "memory.max").write_text("200000000\n")
    assert hardware.memory_bytes() == 200_000_000
    (group / "memory.max").write_text("100000000\n")
    assert hardware.memory_bytes() == 100_000_000


def test_cached_files_of_a_group_are_free(group: Path) -> None:
    for name, content in {
        "memory.max": "300000000",
        "memory.current": "290000000",
        "memory.stat": "anon 1\ninactive_file 100000000\n",
    }.items():
        (group / name).write_text(content)
    (group.parent / "memory.max").write_text("max\n")
    assert list(hardware.free_within_limits()) == [(110_000_000, 300_000_000)]


@pytest.mark.parametrize("amount", [20_000, 100_000], ids=["a fifth", "one"])
def test_a_share_of_a_processor_is_one_processor(group: Path, amount: int) -> None:
    (group / "cpu.max").write_text(f"{amount} 100000\n")
    assert hardware.processors() == 1


def test_limits_of_the_older_kind_of_groups_count(tmp_path: Path, group: Path) -> None:
    (tmp_path / "cgroup").write_text("4:memory:/docker/c0ffee\n1:cpu:/\n")
    # In a container its own group is the outermost that there is.
    (tmp_path / "tree" / "memory").mkdir()
    (tmp_path / "tree" / "memory" / "memory.limit_in_bytes").write_text("100000000\n")
    assert hardware.memory_bytes() == 100_000_000


@pytest.mark.parametrize(
    ("memory_bytes", "processors", "limits"),
    [
        (4 * GB, 4, Limits(500, 250, 2, 2_500, SPILL)),
        (3 * GB, 2, Limits(750, 375, 2, 3_750, SPILL)),
        (64 * GB, 16, Limits(2_000, 1_000, 10, 10_000, SPILL)),
        (1 * GB, 8, Limits(400, 200, 2, 2_000, SPILL)),
        (16 * GB, 1, Limits(2_000, 1_000, 1, 10_000, SPILL)),
    ],
    ids=["a Raspberry Pi", "a container", "a server", "too little", "one processor"],
)
def test_limits_follow_the_machine(memory_bytes: int, processors: int, limits: Limits) -> None:
    """As many children as processors leave half of the memory to the others, on any machine that can do it at all."""
    assert limits_within(StackSettings(), memory_bytes, processors, HOME) == limits


def test_what_is_set_counts_and_the_rest_follows_it(tmp_path: Path) -> None:
    given = StackSettings(worker_child_memory_mb=900)
    assert limits_within(given, 4 * GB, 4, HOME) == Limits(900, 450, 4, 4_500, SPILL)
    given = StackSettings(duckdb_memory_mb=300, duckdb_threads=8, duckdb_spill_mb=100, duckdb_spill_directory=tmp_path)
    assert limits_within(given, 4 * GB, 4, HOME) == Limits(500, 300, 8, 100, tmp_path)
