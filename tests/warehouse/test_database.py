"""Connections, migrations and locks."""

from __future__ import annotations

import socket
import threading
from concurrent.futures import ThreadPoolExecutor, TimeoutError
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa
from pydantic import SecretStr

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.db import migrating
from telemetry_pipeline.warehouse.db.connections import connect, lock
from telemetry_pipeline.warehouse.db.migrating import migrate, pending_migrations


@pytest.fixture
def empty_engine(postgres_url: str) -> sa.Engine:
    """A database without anything in it."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("drop database if exists unmigrated with (force)")
        connection.execute("create database unmigrated template template0")
    return connect(at_database(postgres_url, "unmigrated"))


def tables(engine: sa.Engine) -> set[str]:
    return {f"{schema}.{table}" for schema in ("telemetry", "analysis") for table in sa.inspect(engine).get_table_names(schema)}


def test_migrations_make_the_tables(empty_engine: sa.Engine) -> None:
    pending = pending_migrations(empty_engine)
    assert pending[0] == "0001"
    assert tables(empty_engine) == set()
    migrate(empty_engine)
    assert pending_migrations(empty_engine) == []
    assert {"telemetry.records", "telemetry.views", "telemetry.sync_state", "analysis.results"} <= tables(empty_engine)


def test_migrating_twice_is_migrating_once(empty_engine: sa.Engine) -> None:
    migrate(empty_engine)
    with empty_engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set cursor = 5"))
    migrate(empty_engine)
    with empty_engine.connect() as connection:
        assert connection.scalar(sa.text("select cursor from telemetry.sync_state")) == 5


def test_many_may_migrate_at_once(empty_engine: sa.Engine) -> None:
    """Every process of the stack does so at its start."""
    together = threading.Barrier(4)

    def start(_: int) -> None:
        together.wait()
        migrate(empty_engine)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(start, range(4)))
    assert pending_migrations(empty_engine) == []


@pytest.mark.parametrize("act", [migrate, pending_migrations])
def test_a_database_of_a_newer_version_is_refused(engine: sa.Engine, act: object) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.alembic_version set version_num = '9999'"))
    with pytest.raises(WarehouseError, match="'9999'"):
        act(engine)  # type: ignore[operator]


@pytest.mark.parametrize("act", [migrate, pending_migrations])
@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg", "postgresql+psycopg2"])
def test_nobody_there_is_one_clear_line_without_the_password(act: object, scheme: str) -> None:
    with closing(socket.socket()) as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"{scheme}://someone:hidden@127.0.0.1:{unused.getsockname()[1]}/telemetry"
        with pytest.raises(WarehouseError, match=r"^PostgreSQL cannot be reached: .*refused") as caught:
            act(connect(SecretStr(url)))  # type: ignore[operator]
    assert "\n" not in str(caught.value)
    assert "hidden" not in str(caught.value)
    assert "hidden" not in repr(connect(url))


def test_a_database_that_does_not_exist_is_named(postgres_url: str) -> None:
    with pytest.raises(WarehouseError, match='database "nowhere" does not exist'):
        migrate(connect(at_database(postgres_url, "nowhere")))


def test_a_connection_is_not_kept(engine: sa.Engine) -> None:
    """Workers are many and mostly idle."""
    with engine.connect() as connection:
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select pg_backend_pid()")) != pid


def test_a_lock_is_held_until_the_transaction_ends(engine: sa.Engine) -> None:
    def take(name: str) -> None:
        with engine.begin() as other:
            lock(other, name)

    with ThreadPoolExecutor(2) as pool:
        with engine.begin() as connection:
            lock(connection, "one")
            pool.submit(take, "another").result(timeout=60)
            waiting = pool.submit(take, "one")
            with pytest.raises(TimeoutError):
                waiting.result(timeout=0.2)
        waiting.result(timeout=60)


def test_a_path_with_a_per_cent_sign_holds_the_migrations(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Alembic reads its configuration as a file in which that sign has a meaning."""
    (tmp_path / "50% off").symlink_to(migrating._MIGRATIONS)
    monkeypatch.setattr(migrating, "_MIGRATIONS", tmp_path / "50% off")
    assert pending_migrations(engine) == []
