"""Dagster's storage keeps few connections, replaces those that were closed, and waits for nothing."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import sqlalchemy as sa
import yaml
from dagster._core.utils import make_new_run_id
from orchestration_harness import STORAGE

PROJECT = Path(__file__).parents[2]
SESSIONS = "select sessions from pg_stat_database where datname = current_database()"


def storage_of(instance: dg.DagsterInstance) -> Any:
    return instance.event_log_storage


@pytest.fixture
def dagster_url(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database for the storage of production."""
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": STORAGE, "telemetry": {"enabled": False}}))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", database_url.replace("postgresql://", "postgresql+psycopg2://"))
    return database_url


def use(instance: dg.DagsterInstance) -> int:
    """Read from each of the three storages."""
    return instance.get_runs_count() + len(instance.all_instigator_state()) + len(instance.all_asset_keys())


def sessions(url: str) -> int:
    with psycopg.connect(url) as connection:
        connection.execute("select pg_stat_clear_snapshot()")
        [(count,)] = connection.execute(SESSIONS).fetchall()
        return int(count)


def test_instances_of_a_process_share_what_connections_they_keep(dagster_url: str) -> None:
    with dg.DagsterInstance.get() as first:
        use(first)
        before = sessions(dagster_url)
        for _ in range(20):
            with dg.DagsterInstance.get() as instance:
                use(instance)
    assert sessions(dagster_url) - before < 5


@pytest.mark.parametrize("in_web_server", [False, True])
def test_connections_that_postgresql_closed_are_replaced(dagster_url: str, in_web_server: bool) -> None:
    with dg.DagsterInstance.get() as instance:
        if in_web_server:
            instance.optimize_for_webserver(15_000, -1, -1)
        use(instance)
        with psycopg.connect(dagster_url) as connection:
            others = "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> %s"
            assert connection.execute(others, [connection.info.backend_pid]).fetchall()
        assert use(instance) == 0


def test_more_threads_than_connections_are_kept_wait_for_nothing(dagster_url: str) -> None:
    with dg.DagsterInstance.get() as instance, ThreadPoolExecutor(10) as pool, ExitStack() as held:
        for _ in range(10):
            held.enter_context(storage_of(instance).index_connection())
        assert list(pool.map(lambda _: use(instance), range(10))) == [0] * 10


def test_an_address_without_a_driver_and_a_database_in_another_time_zone_will_do(dagster_url: str) -> None:
    """SQLAlchemy would choose psycopg 3, which cannot say NOTIFY; Dagster's times have no zone, and are meant in UTC."""
    with psycopg.connect(dagster_url, autocommit=True) as connection:
        name = connection.info.dbname
        connection.execute(f"alter database {name} set timezone = 'America/Mexico_City'".encode())
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(dg.job(name="empty")(lambda: None), run_id=make_new_run_id())
        instance.report_run_failed(run, "as a test")
        record = instance.get_run_record_by_id(run.run_id)
        assert record is not None
        assert abs(datetime.now(UTC) - record.create_timestamp) < timedelta(minutes=5)


def test_statements_of_the_web_server_are_bounded(dagster_url: str) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.optimize_for_webserver(15_000, -1, -1)
        with storage_of(instance).index_connection() as connection:
            assert connection.exec_driver_sql("show statement_timeout").scalar() == "15s"


def test_what_is_stored_together_is_there_together_or_not_at_all(dagster_url: str) -> None:
    with dg.DagsterInstance.get() as instance:
        run = instance.create_run_for_job(dg.job(name="empty")(lambda: None), run_id=make_new_run_id())

        def say(*messages: str) -> None:
            with storage_of(instance).together():
                for message in messages:
                    instance.report_engine_event(message, run)
                    if message == "wrong":
                        raise RuntimeError(message)

        say("one", "two")
        with pytest.raises(RuntimeError):
            say("three", "wrong")
        say("four")
        said = [entry.message or entry.get_dagster_event().message for entry in instance.all_logs(run.run_id)]
        assert said == ["one", "two", "four"]


def test_whether_dagsters_tables_are_there_is_asked_once_a_process(dagster_url: str) -> None:
    asked: list[str] = []

    def ask(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "pg_catalog" in statement:
            asked.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", ask)
    try:
        for _ in range(3):
            before = len(asked)
            with dg.DagsterInstance.get() as instance:
                use(instance)
                instance.get_run_records(limit=1)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", ask)
    assert asked, "by the first one"
    assert len(asked) == before, "by no later one"
