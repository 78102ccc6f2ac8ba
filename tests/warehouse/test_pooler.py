"""Behind pgbouncer in transaction mode, where the next transaction may be another session's, everything but locks of sessions
works as it does without.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import dagster as dg
import pytest
import sqlalchemy as sa
import yaml
from orchestration_harness import STORAGE
from stored_results import channels, result, row
from stored_results import store as store_results
from warehouse_events import ZONE, Event, check, start, stop, store

from telemetry_pipeline.polling import polling
from telemetry_pipeline.warehouse.core import views
from telemetry_pipeline.warehouse.db.connections import connect, shared
from telemetry_pipeline.warehouse.operations.status import read_status

PROJECT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def pooler(postgres_url: str) -> Iterator[int]:
    """The port of a pgbouncer that serves every database of the suite with eight sessions."""
    sockets = Path(str(sa.make_url(postgres_url).query["host"]))
    with socket.socket() as chosen:
        chosen.bind(("127.0.0.1", 0))
        port = chosen.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="telemetry-") as directory:
        settings = Path(directory) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = host={sockets} port=5432 user=postgres\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            "pool_mode = transaction\ndefault_pool_size = 8\n"
        )
        owner = pwd.getpwuid(sockets.stat().st_uid).pw_name
        os.chmod(directory, 0o755)
        as_owner = ["--user", owner] if os.geteuid() == 0 else []
        process = subprocess.Popen(["pgbouncer", "--quiet", *as_owner, str(settings)], stderr=subprocess.DEVNULL)
        try:
            for _ in polling(60):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
            yield port
        finally:
            process.terminate()
            process.wait()


@pytest.fixture
def pooled_url(pooler: int, database_url: str) -> str:
    return f"postgresql://postgres@127.0.0.1:{pooler}/{sa.make_url(database_url).database}"


def test_records_are_stored_merged_and_read_by_many(engine: sa.Engine, pooled_url: str) -> None:
    """By locks, temporary tables, COPY and snapshots, more often than psycopg waits before it prepares a statement.

    A merge holds one session while it works in another, so a pooler needs two for each worker.
    """
    pooled = shared(pooled_url)
    portions: list[list[Event]] = [
        [start(100 * number, f"name {number}"), *(stop(100 * number + one) for one in range(1, 20))] for number in range(8)
    ]

    def work(portion: list[Event]) -> int:
        store(pooled, *portion)
        views.merge(pooled, ZONE)
        return read_status(connect(pooled_url)).records.rows

    try:
        with ThreadPoolExecutor(4) as pool:
            assert max(pool.map(work, portions)) == 160
        check(pooled, [event for portion in portions for event in portion])
    finally:
        pooled.dispose()


def test_results_are_replaced_by_their_rows_that_changed(pooled_url: str) -> None:
    pooled = shared(pooled_url)
    try:
        for last in ("B", "B", "C"):
            store_results(pooled, result(row("A"), row(last)))
            assert channels(pooled) == ["A", last]
    finally:
        pooled.dispose()


def test_dagster_keeps_its_storage_there(pooled_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": STORAGE, "telemetry": {"enabled": False}}))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", pooled_url.replace("postgresql://", "postgresql+psycopg2://"))
    with dg.DagsterInstance.get() as instance, ThreadPoolExecutor(4) as pool:

        def report(number: int) -> int:
            instance.report_runless_asset_event(dg.AssetMaterialization(f"asset_{number}"))
            return instance.get_runs_count()

        assert list(pool.map(report, range(20))) == [0] * 20
        assert len(instance.all_asset_keys()) == 20
