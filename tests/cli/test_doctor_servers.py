"""Databases that work for most programs and not for this one: doctor says so, and what it advises mends it."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import zoneinfo
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from examining import findings
from psycopg.conninfo import conninfo_to_dict

from telemetry_pipeline.monitoring.doctor.postgres import Facts, faults
from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.db.connections import connect, shared

FACTS = Facts("18.4", datetime(2026, 11, 27, tzinfo=UTC), "UTF8", "db", False, False, "default", "telemetry", 64, 200, 300)


@contextmanager
def database(postgres_url: str, options: str = "") -> Iterator[str]:
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute(f"create database odd {options}".encode())
        try:
            yield at_database(postgres_url, "odd")
        finally:
            connection.execute("drop database odd with (force)")


def sql(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute(statement.encode())


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
def test_a_database_of_another_encoding(home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    with database(postgres_url, f"encoding '{encoding}' locale 'C' template template0") as url:
        monkeypatch.setenv("DATABASE_URL", url)
        monkeypatch.setenv("DAGSTER_DATABASE_URL", url)
        found = findings()
        for name in ("PostgreSQL", "Dagster's database"):
            assert (found[name].outcome, found[name].detail) == (
                "failed",
                f"the database's encoding is {encoding}, which cannot hold every name",
            )
        advice = found["PostgreSQL"].advice.partition(": ")[2]
    sql(postgres_url, advice.replace("NAME", "advised"))
    monkeypatch.setenv("DATABASE_URL", at_database(postgres_url, "advised"))
    assert findings()["PostgreSQL"].outcome == "ok"
    sql(postgres_url, "drop database advised")


@pytest.mark.parametrize("whose", ["database odd", "role reader", "role reader in database odd"])
def test_a_database_that_is_read_only(home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, whose: str) -> None:
    sql(postgres_url, "drop role if exists reader")
    sql(postgres_url, "create role reader login superuser")
    with database(postgres_url) as url:
        sql(url, f"alter {whose} set default_transaction_read_only = on")
        monkeypatch.setenv("DATABASE_URL", url.replace("postgres@", "reader@"))
        finding = findings()["PostgreSQL"]
        assert finding.outcome == "failed"
        assert finding.detail.startswith("it is read-only (default_transaction_read_only, set by: ")
        sql(url, finding.advice)
        assert findings()["PostgreSQL"].outcome == "ok"
    sql(postgres_url, "drop role reader")


@pytest.mark.slow
def test_a_standby(home: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    server = LocalPostgres(tmp_path_factory.mktemp("s", numbered=True))
    try:
        server.start()
        server.stop()
        (server.data / "standby.signal").touch()
        server.start()
        monkeypatch.setenv("DATABASE_URL", server.url)
        assert findings()["PostgreSQL"].detail == "the server is a standby, which stores nothing"
    finally:
        server.stop()


def test_a_database_and_a_role_in_another_time_zone_do_no_harm(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = conninfo_to_dict(database_url)["dbname"]
    sql(database_url, f"alter database {name} set timezone = 'America/Mexico_City'")
    monkeypatch.setenv("DATABASE_URL", database_url)
    for engine in (connect(database_url), shared(database_url)):
        with engine.connect() as connection:
            assert connection.scalar(sa.text("show timezone")) == "UTC"
            connection.rollback()
            assert connection.scalar(sa.text("show timezone")) == "UTC"
        engine.dispose()
    assert findings()["PostgreSQL"].outcome == "ok"


def test_rows_that_were_made_with_other_settings(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    sql(database_url, "update telemetry.sync_state set operator_timezone = 'America/Lima', panaccess_timezone = 'Asia/Tokyo'")
    finding = findings()["stored rows"]
    assert finding.outcome == "failed"
    assert "the stored days are those of 'America/Lima'" in finding.detail
    assert "the stored times were read as those of 'Asia/Tokyo'" in finding.detail


def test_a_python_with_other_time_zones_than_postgresql(
    home: Path, tmp_path: Path, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Mexico had summer time until 2022, and old tables go on with it."""
    zone = tmp_path / "tz" / "America" / "Mexico_City"
    zone.parent.mkdir(parents=True)
    with zoneinfo._common.load_tzdata("America/Chicago") as new:
        zone.write_bytes(new.read())
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("FIRST_PARTITION", "2025-01-01")
    assert findings()["time zones"].outcome == "ok"
    before = zoneinfo.TZPATH
    try:
        zoneinfo.reset_tzpath([tmp_path / "tz", *before])
        zoneinfo.ZoneInfo.clear_cache()
        finding = findings()["time zones"]
    finally:
        zoneinfo.reset_tzpath(before)
        zoneinfo.ZoneInfo.clear_cache()
    assert finding.outcome == "failed"
    assert finding.detail == "America/Mexico_City: 2025-03-09 12:00 UTC is 07:00 for Python and 06:00 for PostgreSQL"


@pytest.mark.parametrize(
    ("fact", "seen"),
    [
        ({"version": "13.9"}, "the server is PostgreSQL 13.9"),
        ({"seen_at": datetime(2026, 11, 27, 0, 0, 9, tzinfo=UTC)}, "its clock and this machine's differ by 9 s"),
        ({"relations": 30_000}, "30,000 tables and indexes are more than its table of locks can hold"),
        ({"standby": True, "read_only": True}, "the server is a standby, which stores nothing"),
    ],
)
def test_what_is_wrong_follows_from_what_a_server_says(fact: dict[str, Any], seen: str) -> None:
    assert list(faults(FACTS)) == []
    assert [fault.problem for fault in faults(replace(FACTS, **fact))] == [seen]


@contextmanager
def pgbouncer(url: str, mode: str, folder: Path) -> Iterator[str]:
    """A pgbouncer in front of a database; it refuses to be root, and only the server's user reaches its socket."""
    found = conninfo_to_dict(url)
    port = free_port()
    (folder / "users").write_text('"postgres" ""\n')
    (folder / "pgbouncer.ini").write_text(
        f"[databases]\n* = host={found['host']} port={found['port']} user=postgres\n"
        f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
        f"auth_file = {folder}/users\npool_mode = {mode}\ndefault_pool_size = 5\n"
    )
    owner = pwd.getpwuid(Path(str(found["host"])).stat().st_uid)
    os.chown(folder, owner.pw_uid, owner.pw_gid)
    groups: list[int] | None = [] if os.geteuid() == 0 else None
    process = subprocess.Popen(
        ["pgbouncer", "-q", folder / "pgbouncer.ini"], user=owner.pw_uid, group=owner.pw_gid, extra_groups=groups
    )
    address = f"postgresql://postgres@127.0.0.1:{port}/{found['dbname']}"
    try:
        for _ in polling(60):
            try:
                psycopg.connect(address, connect_timeout=5).close()
                break
            except psycopg.OperationalError:
                continue
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.mark.skipif(shutil.which("pgbouncer") is None, reason="pgbouncer is not installed; CI does")
@pytest.mark.parametrize("mode", ["transaction", "session", "statement"])
def test_a_pooler(home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch, mode: str) -> None:
    folder = Path(subprocess.run(["mktemp", "-d"], check=True, capture_output=True, text=True).stdout.strip())
    try:
        with database(postgres_url) as url, pgbouncer(url, mode, folder) as address:
            monkeypatch.setenv("DATABASE_URL", address)
            monkeypatch.setenv("DAGSTER_DATABASE_URL", address)
            found = findings()
            for name in ("PostgreSQL", "Dagster's database"):
                if mode == "session":
                    assert found[name].outcome == "ok"
                else:
                    assert found[name].outcome == "failed"
                    assert "pool_mode = session in pgbouncer.ini" in found[name].advice
            if mode == "session":
                with connect(address).connect() as connection:
                    assert connection.scalar(sa.text("show timezone")) == "UTC"
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("synced_at", "outcome", "seen"),
    [
        ("now() + interval '2 hours'", "failed", "in the future: a clock is or was ahead"),
        ("now() - interval '1 hour'", "failed", "ago, longer than HEARTBEAT_MINUTES"),
        ("now() - interval '1 minute'", "ok", "the newest sync was"),
        ("null", "ok", "there was no sync yet"),
    ],
)
def test_the_age_of_the_newest_sync(
    home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch, synced_at: str, outcome: str, seen: str
) -> None:
    sql(database_url, f"update telemetry.sync_state set synced_at = {synced_at}")
    monkeypatch.setenv("DATABASE_URL", database_url)
    finding = findings()["syncs"]
    assert (finding.outcome, seen in finding.detail) == (outcome, True), finding


def test_ticks_of_the_future_in_dagsters_storage(home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with database(postgres_url) as url:
        monkeypatch.setenv("DAGSTER_DATABASE_URL", url)
        sql(url, "create table job_ticks (timestamp timestamp)")
        assert findings()["Dagster's tables"].outcome == "ok"
        sql(url, "insert into job_ticks values (now() at time zone 'UTC' + interval '2 hours')")
        finding = findings()["Dagster's tables"]
        assert (finding.outcome, "Dagster has ticks of the future, " in finding.detail) == ("failed", True)


def test_dagsters_user_in_whose_errors_the_log_quotes_rows(
    home: Path, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database(postgres_url) as url:
        monkeypatch.setenv("DAGSTER_DATABASE_URL", url)
        assert findings()["PostgreSQL's log of Dagster"].outcome == "ok"
        sql(url, "alter database odd set log_min_error_statement = 'error'")
        finding = findings()["PostgreSQL's log of Dagster"]
        assert (finding.outcome, "log_min_error_statement" in finding.detail) == ("warning", True)
        sql(url, finding.advice.removeprefix("as a superuser: ").partition("; then")[0])
        try:
            assert findings()["PostgreSQL's log of Dagster"].outcome == "ok"
        finally:
            sql(url, "alter role postgres reset all")


def test_a_persons_lock_does_not_hold_doctor_up(home: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    with psycopg.connect(database_url) as person:
        person.execute("lock table telemetry.sync_state")
        finding = findings()["syncs"]
    assert (finding.outcome, "telemetry.sync_state is locked by postgres" in finding.detail) == ("failed", True)
