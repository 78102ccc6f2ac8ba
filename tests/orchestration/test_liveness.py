"""A run whose process was lost is found, although nothing of it is left to say so."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
from dagster._core.launcher import WorkerStatus
from terminal import wait_until

from telemetry_pipeline.errors import WarehouseUnavailable
from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.orchestration.runtime import launcher, liveness
from telemetry_pipeline.orchestration.runtime.launcher import PatientRunLauncher
from telemetry_pipeline.orchestration.runtime.liveness import alive, is_alive
from telemetry_pipeline.settings.loading import Settings, StackSettings
from telemetry_pipeline.warehouse.db.connections import connect

RUN_ID = "00000000-0000-4000-8000-000000000004"
OTHER = "f0000000-0000-4000-8000-000000000005"
LIVE = """
import sys, time
from telemetry_pipeline.orchestration.runtime.liveness import alive
with alive(sys.argv[1], sys.argv[2]):
    print("alive", flush=True)
    time.sleep(600)
"""


@pytest.mark.slow
def test_a_process_that_is_killed_is_not_alive(database_url: str) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", LIVE, database_url, RUN_ID], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "alive\n"
        assert is_alive(database_url, RUN_ID)
        assert not is_alive(database_url, OTHER)
    finally:
        process.kill()
        process.communicate()
    # PostgreSQL notices the closed connection as soon as it looks.
    for _ in range(1_000):
        if not is_alive(database_url, RUN_ID):
            break
    assert not is_alive(database_url, RUN_ID)


def holder(url: str) -> int | None:
    """The session that holds a lock, by its process in PostgreSQL."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "select pid from pg_locks join pg_database on pg_database.oid = database "
            "where locktype = 'advisory' and granted and datname = current_database()"
        ).fetchone()
        return row[0] if row else None


@pytest.fixture
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(liveness, "_LOOK_SECONDS", 0.1)


@pytest.mark.usefixtures("_quick")
def test_a_lock_whose_session_ended_is_taken_again(database_url: str) -> None:
    with alive(database_url, RUN_ID):
        first = holder(database_url)
        with psycopg.connect(database_url) as connection:
            connection.execute("select pg_terminate_backend(%s, 5000)", [first])
        wait_until(lambda: is_alive(database_url, RUN_ID), seconds=60)
        assert holder(database_url) != first
    assert not is_alive(database_url, RUN_ID)


@pytest.mark.usefixtures("_quick")
def test_a_server_that_is_away_for_a_while_ends_nothing(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Here, of a name that is not there for a while."""
    name = str(sa.make_url(database_url).database)
    server = connect(str(sa.make_url(database_url).set(database="postgres")))
    end_all = sa.text("select pg_terminate_backend(pid) from pg_stat_activity where datname = :name")
    with alive(database_url, RUN_ID), server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"alter database {name} allow_connections false"))
        connection.execute(end_all, {"name": name})
        with pytest.raises(WarehouseUnavailable):
            is_alive(database_url, RUN_ID)
        connection.execute(sa.text(f"alter database {name} allow_connections true"))
        wait_until(lambda: is_alive(database_url, RUN_ID), seconds=60)


def test_the_session_outlives_limits_of_idle_ones(database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        name = connection.info.dbname
        for limit in ("idle_session_timeout = '1ms'", "statement_timeout = '1s'"):
            connection.execute(f"alter database {name} set {limit}")
        with alive(database_url, RUN_ID):
            held = "select pid from pg_locks where locktype = 'advisory' and granted"
            wait_until(lambda: connection.execute(held).fetchone() is not None, seconds=60)
            first = connection.execute(held).fetchone()
            wait_until(
                lambda: (
                    connection.execute(
                        "select now() - state_change < interval '1 s' and query_start > backend_start + interval '1.5 s' "
                        "from pg_stat_activity where pid = %s",
                        first,
                    ).fetchone()
                    != (False,)
                ),
                seconds=60,
            )
            assert connection.execute(held).fetchone() == first


@pytest.mark.parametrize(
    ("status", "started_ago", "lives", "expected"),
    [
        pytest.param(dg.DagsterRunStatus.STARTED, 60, True, WorkerStatus.RUNNING, id="its process lives"),
        pytest.param(dg.DagsterRunStatus.STARTED, 60, False, WorkerStatus.FAILED, id="its process is lost"),
        pytest.param(dg.DagsterRunStatus.STARTED, 1, False, WorkerStatus.RUNNING, id="it has just begun"),
        pytest.param(dg.DagsterRunStatus.SUCCESS, 60, False, WorkerStatus.SUCCESS, id="it has just ended"),
    ],
)
def test_the_health_of_a_run(
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    instance: dg.DagsterInstance,
    database_url: str,
    status: dg.DagsterRunStatus,
    started_ago: float,
    lives: bool,
    expected: Any,
) -> None:
    settings = make_settings(dagster_database_url=database_url)
    monkeypatch.setattr(StackSettings, "load", lambda: settings)
    monkeypatch.setattr(launcher, "GRACE_SECONDS", 0)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    run = instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID))
    checked = PatientRunLauncher()
    checked.register_instance(instance)
    start = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="telemetry_tick")
    instance.report_dagster_event(start, RUN_ID, timestamp=time.time() - started_ago)
    if status is dg.DagsterRunStatus.SUCCESS:
        instance.report_dagster_event(dg.DagsterEvent(event_type_value="PIPELINE_SUCCESS", job_name="telemetry_tick"), RUN_ID)
    if lives:
        with alive(database_url, RUN_ID):
            health = checked.check_run_worker_health(run)
    else:
        health = checked.check_run_worker_health(run)
    assert health.status is expected


def test_a_lock_that_is_missed_once_is_no_loss(
    make_settings: Callable[..., Settings],
    monkeypatch: pytest.MonkeyPatch,
    instance: dg.DagsterInstance,
    database_url: str,
) -> None:
    """Its session ended, and the process has not taken it again yet; or the server has just come back."""
    settings = make_settings(dagster_database_url=database_url)
    monkeypatch.setattr(StackSettings, "load", lambda: settings)
    monkeypatch.setattr(logs, "configure", lambda _: None)
    run = instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID))
    checked = PatientRunLauncher()
    checked.register_instance(instance)
    start = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="telemetry_tick")
    instance.report_dagster_event(start, RUN_ID, timestamp=time.time() - 60)
    now = [time.monotonic()]
    monkeypatch.setattr(launcher, "time", SimpleNamespace(monotonic=lambda: now[0], time=time.time))

    def look(after: float) -> WorkerStatus:
        now[0] += after
        return checked.check_run_worker_health(run).status

    assert look(0) is WorkerStatus.RUNNING
    assert look(9) is WorkerStatus.RUNNING
    with alive(database_url, RUN_ID):
        assert look(15) is WorkerStatus.RUNNING
    assert look(15) is WorkerStatus.RUNNING
    assert look(15) is WorkerStatus.FAILED
