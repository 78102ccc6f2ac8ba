"""Backup and restore as production runs them: the scripts themselves, with the real pg_dump and pg_restore."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import pytest
import sqlalchemy as sa
from compose import DOCKER

from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.core import segments, views
from telemetry_pipeline.warehouse.db.partitions import keep_months

MEXICO, UTC = ZoneInfo("America/Mexico_City"), ZoneInfo("UTC")
RECORDS = 3_000
TABLES = """
select format('%I.%I', table_schema, table_name) from information_schema.tables
where table_schema in ('telemetry', 'analysis') and table_type = 'BASE TABLE' order by 1
"""

Script = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def backups(tmp_path: Path) -> Path:
    folder = tmp_path / "backups"
    folder.mkdir()
    return folder


@pytest.fixture
def dagster_url(postgres_url: str) -> Iterator[str]:
    """A database with a table, in place of Dagster's; its owner has a password that a URL cannot hold as it is."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create role keeper login password 'p@ss/word%41'")
        connection.execute("create database dagster_backup owner keeper")
        url = at_database(postgres_url, "dagster_backup").replace("postgres@", "keeper:p%40ss%2Fword%2541@")
        with psycopg.connect(url) as inside:
            inside.execute("create table public.runs as select generate_series(1, 10) as id")
        yield url.replace("postgresql://", "postgresql+psycopg2://")
        connection.execute("drop database dagster_backup with (force)")
        connection.execute("drop role keeper")


@pytest.fixture
def script(tmp_path: Path, backups: Path, database_url: str, dagster_url: str) -> Script:
    """Runs one of the scripts with that environment and nothing of this process's own."""
    programs = Path(LocalPostgres(tmp_path).command()[0]).parent

    def run(name: str, *arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        surroundings = {
            "PATH": f"{programs}:{os.environ['PATH']}",
            "DATABASE_URL": database_url,
            "DAGSTER_DATABASE_URL": dagster_url,
            "BACKUP_DIRECTORY": str(backups),
            "BACKUP_KEEP": "2",
        }
        return subprocess.run(
            [DOCKER / name, *arguments], env=surroundings | environment, capture_output=True, text=True, timeout=120
        )

    return run


def fill(engine: sa.Engine, simulator: Callable[..., SimulatorServer]) -> None:
    """Records of two months and more, their views, and the views by column."""
    upstream = simulator(records_count=RECORDS, days=40, late_ids=0)
    client = PanAccessClient(upstream.url, Credentials("simulator", "simulator", "simulator", "simulator"))
    feed = Feed(client, PageDecoder(UTC, MEXICO), UTC)
    today = datetime.now(MEXICO).date()
    Sync(engine=engine, feed=feed, operator_zone=MEXICO, deadline=float("inf")).run(
        today - timedelta(days=40), today, includes_today=True
    )
    views.merge(engine, MEXICO.key)
    segments.refresh(engine)
    keep_months(engine, today - timedelta(days=40))


def contents(url: str) -> dict[str, tuple[int, str]]:
    """The number of rows and a checksum of them, for every table, those of the monthly partitions included."""
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute(TABLES)]
        query = "select count(*), coalesce(md5(string_agg(row::text, '' order by row::text)), '') from {} as row"
        return {name: connection.execute(query.format(name)).fetchone() or (0, "") for name in tables}


def partitions(url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(url) as connection:
        return connection.execute(
            "select inhparent::regclass::text, relname::text, pg_get_expr(relpartbound, pg_class.oid)"
            " from pg_inherits join pg_class on pg_class.oid = inhrelid where relispartition and relkind = 'r' order by 1, 2"
        ).fetchall()


def names(backups: Path) -> list[str]:
    return sorted(path.name.split("-")[0] for path in backups.iterdir())


@pytest.mark.slow
def test_what_was_backed_up_comes_back_row_by_row_with_its_monthly_partitions(
    script: Script, backups: Path, database_url: str, engine: sa.Engine, simulator: Callable[..., SimulatorServer]
) -> None:
    fill(engine, simulator)
    before, months = contents(database_url), partitions(database_url)
    done = script("backup")
    assert (done.returncode, names(backups)) == (0, ["dagster", "telemetry"]), done.stderr
    [dump] = backups.glob("telemetry-*.dump")
    assert dump.stat().st_mode & 0o077 == 0

    restored = script("restore", dump, "drill")
    assert restored.returncode == 0, restored.stderr
    drill = at_database(database_url, "drill")
    assert contents(drill) == before
    assert partitions(drill) == months
    assert before["telemetry.records"][0] == RECORDS
    assert before["telemetry.views"][0] > 0
    assert before["telemetry.view_segments"][0] > 0
    assert len([parent for parent, _, _ in months if parent == "telemetry.records"]) >= 2

    again = script("restore", dump, "drill")
    assert again.returncode == 1
    assert "not empty" in again.stderr
    assert contents(drill) == before
    # The partitions are at work: a new record goes to the one of its month.
    with psycopg.connect(drill) as connection:
        place = connection.execute(
            "insert into telemetry.records (record_id, timestamp, local_date)"
            " select max(record_id) + 1, now(), max(local_date) from telemetry.records returning tableoid::regclass::text"
        ).fetchone()
    assert place in {(f"telemetry.{name}",) for parent, name, _ in months if parent == "telemetry.records"}


def test_dagsters_database_is_restored_from_its_own_dump(script: Script, backups: Path, dagster_url: str) -> None:
    assert script("backup").returncode == 0
    [dump] = backups.glob("dagster-*.dump")
    plain = dagster_url.replace("+psycopg2", "")
    with psycopg.connect(plain) as connection:
        connection.execute("drop table public.runs")
    assert script("restore", dump).returncode == 0
    with psycopg.connect(plain) as connection:
        assert connection.execute("select sum(id) from public.runs").fetchone() == (55,)


@pytest.mark.parametrize("name", ["dagster", "telemetry"])
def test_the_drill_of_users_who_may_not_create_databases_is_the_owners(
    script: Script, backups: Path, postgres_url: str, name: str
) -> None:
    assert script("backup").returncode == 0
    [dump] = backups.glob(f"{name}-*.dump")
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("create role drills login createdb; create role writes login")
        try:
            urls = {who: postgres_url.replace("postgres@", f"{who}@") for who in ("drills", "writes")}
            done = script("restore", dump, "drilled", OWNER_DATABASE_URL=urls["drills"], DATABASE_URL=urls["writes"])
            assert done.returncode == 0, done.stderr
            owner = "select pg_get_userbyid(datdba) from pg_database where datname = 'drilled'"
            assert connection.execute(owner).fetchone() == ("drills",)
        finally:
            connection.execute("drop database if exists drilled with (force)")
            connection.execute("drop role drills")
            connection.execute("drop role writes")


@pytest.mark.parametrize(
    "failure",
    [
        pytest.param({"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/telemetry"}, id="the server does not answer"),
        pytest.param({"DATABASE_URL": "not an address"}, id="the address is none"),
        pytest.param({"PATH": "broken"}, id="the dump ends half-way"),
    ],
)
def test_a_failed_dump_leaves_nothing_that_looks_good(
    script: Script, backups: Path, tmp_path: Path, failure: dict[str, str]
) -> None:
    if "PATH" in failure:
        failure = {"PATH": with_broken_pg_dump(tmp_path)}
    done = script("backup", **failure)
    assert done.returncode == 1
    assert "error:" in done.stderr
    assert not list(backups.glob("telemetry-*"))
    assert not list(backups.glob("*.partial"))


def with_broken_pg_dump(folder: Path) -> str:
    """A PATH whose pg_dump loses the end of the file and knows nothing of it, as a full disk can make it."""
    programs = Path(LocalPostgres(folder).command()[0]).parent
    (folder / "bin").mkdir()
    broken = folder / "bin" / "pg_dump"
    broken.write_text(
        f'#!/bin/bash\n"{programs}/pg_dump" "$@" || exit\nfor last; do :; done\nfile=${{last#--file=}}\n'
        'truncate --size="-2000" "$file"\n'
    )
    broken.chmod(0o755)
    return f"{folder / 'bin'}:{programs}:{os.environ['PATH']}"


def test_old_dumps_go_only_after_a_new_one_succeeded(script: Script, backups: Path) -> None:
    old = [backups / f"telemetry-2026010{day}T000000Z.dump" for day in range(1, 5)]
    for path in old:
        path.touch()
    assert script("backup", DATABASE_URL="postgresql://nobody@127.0.0.1:1/telemetry").returncode == 1
    assert all(path.exists() for path in old)
    assert script("backup").returncode == 0
    kept = sorted(path.name for path in backups.glob("telemetry-*"))
    assert len(kept) == 2
    assert kept[0] == old[-1].name


def test_a_failed_backup_is_a_problem_until_one_succeeds(script: Script, database_url: str) -> None:
    query = "select times, resolved_at is null from telemetry.problems where key = 'backup'"
    nowhere = "postgresql://nobody@127.0.0.1:1/dagster"
    for _ in range(2):
        assert script("backup", DAGSTER_DATABASE_URL=nowhere).returncode == 1
    with psycopg.connect(database_url) as connection:
        assert connection.execute(query).fetchall() == [(2, True)]
    assert script("backup").returncode == 0
    with psycopg.connect(database_url) as connection:
        assert connection.execute(query).fetchall() == [(2, False)]


def test_the_health_check_wants_recent_dumps_of_both_databases(script: Script, backups: Path) -> None:
    assert script("backup", "--check").returncode == 1
    assert script("backup").returncode == 0
    assert script("backup", "--check").returncode == 0
    for dump in backups.glob("dagster-*.dump"):
        os.utime(dump, (0, 0))
    assert script("backup", "--check").returncode == 1


@pytest.mark.parametrize("arguments", [[], ["what.dump"], ["telemetry-1.dump", "a", "b"]], ids=" ".join)
def test_restore_says_how_it_is_used(script: Script, arguments: list[str]) -> None:
    done = script("restore", *arguments)
    assert done.returncode == 2
    assert "restore DUMP DATABASE" in done.stderr


def test_a_password_is_never_an_argument(script: Script, tmp_path: Path) -> None:
    programs = Path(LocalPostgres(tmp_path).command()[0]).parent
    (tmp_path / "bin").mkdir()
    spy = tmp_path / "bin" / "pg_dump"
    spy.write_text(f'#!/bin/bash\necho "$@" >> {tmp_path}/arguments\nexec "{programs}/pg_dump" "$@"\n')
    spy.chmod(0o755)
    assert script("backup", PATH=f"{tmp_path / 'bin'}:{programs}:{os.environ['PATH']}").returncode == 0
    told = (tmp_path / "arguments").read_text()
    assert "keeper" in told
    assert "ss/word" not in told
    assert "p%40ss" not in told
