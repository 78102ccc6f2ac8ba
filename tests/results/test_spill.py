"""What DuckDB spills goes with its process, however that ends, and no sooner."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from warehouse_events import MEXICO

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import SettingsError, ViewsDoNotFit
from telemetry_pipeline.results.views import spill
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.settings.computing import Limits
from telemetry_pipeline.warehouse.core import segments

DAY = date(2026, 1, 3)

CLAIM = """
import sys
from pathlib import Path
from telemetry_pipeline.results.views import spill
print(spill.claim(Path(sys.argv[1])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def other(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process with a directory, as it has said."""
    command = [sys.executable, "-c", CLAIM, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline()
        yield process
        process.kill()


def spilled(directory: Path) -> list[Path]:
    """What is there, with something in it, as DuckDB leaves it."""
    found = list(directory.iterdir())
    for each in found:
        (each / "duckdb_temp_storage-0.tmp").write_text("views")
    return found


def store_in(directory: Path, **limits: int) -> Store:
    return Store(Rules(MEXICO), limits=Limits(spill_directory=directory, **limits))


def test_what_a_killed_process_spilled_goes_when_the_next_store_comes(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    [left] = spilled(tmp_path)
    other.kill()
    other.wait()
    assert left.exists()
    store = store_in(tmp_path)
    assert not left.exists()
    del store


def test_what_a_living_process_spilled_stays(tmp_path: Path, other: subprocess.Popen[str]) -> None:
    [theirs] = spilled(tmp_path)
    store = store_in(tmp_path)
    spill.sweep(tmp_path)
    assert theirs.exists()
    assert len(list(tmp_path.iterdir())) == 2, "and ours"
    del store


def test_a_process_with_the_number_of_one_that_is_gone_keeps_nothing_of_it(tmp_path: Path) -> None:
    left = tmp_path / f"telemetry-spill-{os.getpid()}-abc"
    left.mkdir()
    (left / "duckdb_temp_storage-0.tmp").write_text("views")
    spill.sweep(tmp_path)
    assert not left.exists()


def test_what_is_not_spilled_stays(tmp_path: Path) -> None:
    """Somebody may have named a directory that has other things in it."""
    (tmp_path / "kept").mkdir()
    outside = tmp_path / "outside"
    outside.mkdir()
    (tmp_path / "telemetry-spill-1-link").symlink_to(outside)
    spill.sweep(tmp_path)
    assert {each.name for each in tmp_path.iterdir()} == {"kept", "outside", "telemetry-spill-1-link"}


def test_what_a_store_spilled_goes_with_it(tmp_path: Path) -> None:
    store = store_in(tmp_path)
    [own] = spilled(tmp_path)
    assert f"-{os.getpid()}-" in own.name
    del store
    assert list(tmp_path.iterdir()) == []


def test_a_forked_process_neither_removes_nor_holds_what_is_its_parents(tmp_path: Path) -> None:
    own = spill.claim(tmp_path)
    fork = multiprocessing.get_context("fork")
    goes_on, ends = fork.Pipe()

    def forked() -> None:
        spill.release(own)
        goes_on.send(own.exists())
        goes_on.recv()

    child = fork.Process(target=forked, daemon=True)
    child.start()
    assert ends.recv() is True
    os.close(spill._held.pop(own))  # as the parent's end would
    spill.sweep(tmp_path)
    assert not own.exists()
    ends.send(None)
    child.join()


def test_a_directory_that_cannot_be_written_to_is_told_with_its_setting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SettingsError, match=r"cannot write to .*/file: File exists; .*DUCKDB_SPILL_DIRECTORY"):
        spill.claim(tmp_path / "file")


def test_duckdb_keeps_to_its_limits(tmp_path: Path) -> None:
    store = store_in(tmp_path, duckdb_memory_mb=64, duckdb_threads=1, spill_mb=128)
    names = ("memory_limit", "max_temp_directory_size", "threads", "temp_directory")
    found = [store._duckdb.execute(f"select current_setting('{name}')").fetchone() for name in names]
    assert found == [("61.0 MiB",), ("122.0 MiB",), (1,), (str(*tmp_path.iterdir()),)]


def test_views_that_do_not_fit_are_told_with_the_settings_to_change_and_the_next_ones_are_taken(tmp_path: Path) -> None:
    store = store_in(tmp_path, duckdb_memory_mb=20, duckdb_threads=1, spill_mb=1)
    days = Period(DAY, DAY)
    with pytest.raises(
        ViewsDoNotFit, match=r"do not fit into 20 MB of memory and 1 MB in .*; .*DUCKDB_MEMORY_MB or DUCKDB_SPILL_MB"
    ):
        store.put(segments.from_rows(many_views(3_000_000)), days)
    store.put(segments.from_rows(many_views(10)), days)
    assert store.views(days).query("select count(*) as views from counted")["views"].tolist() == [10]


def many_views(count: int) -> pa.Table:
    numbers = np.random.default_rng(1).integers(0, 80_000, count)
    columns = {
        "local_date": pa.array(np.full(count, np.datetime64(DAY))),
        "local_hour": pa.array(np.zeros(count, dtype=np.int8)),
        "ended_at": pa.array(np.datetime64(DAY, "us") + numbers.astype("timedelta64[s]")),
        "duration_seconds": pa.array(numbers.astype(np.int32)),
        "device_id": pa.array(numbers),
    }
    name = pa.DictionaryArray.from_arrays(pa.array(np.zeros(count, dtype=np.int32)), pa.array(["x"]))
    return pa.table({field.name: columns.get(field.name, name) for field in segments.SCHEMA})
