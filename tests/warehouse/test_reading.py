"""Whatever PostgreSQL says reaches a person as one sentence, and who looks never waits for long."""

from __future__ import annotations

import psycopg
import psycopg2
import pytest
import sqlalchemy as sa
from warehouse_events import start, store

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import connect, looking, migrate
from telemetry_pipeline.warehouse.db.errors import explained, reached
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem
from telemetry_pipeline.warehouse.operations.status import read_status

RAISE = "do $$ begin raise exception using errcode = '{}', message = 'as it says'; end $$"


def set_for_all(engine: sa.Engine, setting: str) -> None:
    server = connect(engine.url.set(database="postgres").render_as_string(hide_password=False))
    with server.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"alter database {engine.url.database} set {setting}"))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        ("25006", "PostgreSQL takes no changes"),
        ("53100", "PostgreSQL has no space left on its disk"),
        ("53200", "raise max_locks_per_transaction"),
        ("53300", "PostgreSQL has no connection left"),
        ("57P01", "PostgreSQL cannot be reached"),
        ("57P03", "PostgreSQL cannot be reached"),
        ("57014", "PostgreSQL ended a statement"),
        ("42501", "PostgreSQL does not let this user do that"),
        ("XX001", "restore a backup"),
    ],
)
@pytest.mark.parametrize("driver", ["postgresql+psycopg", "postgresql+psycopg2"])
def test_what_is_the_servers_is_said_in_a_sentence(engine: sa.Engine, driver: str, code: str, sentence: str) -> None:
    other = sa.create_engine(engine.url.set(drivername=driver), poolclass=sa.NullPool)
    with pytest.raises(WarehouseError, match=rf"{sentence}.*: as it says$"), reached(), other.begin() as connection:
        connection.execute(sa.text(RAISE.format(code)))


@pytest.mark.parametrize("library", [psycopg, psycopg2])
def test_errors_of_a_driver_are_explained_too(database_url: str, library: object) -> None:
    """COPY goes past SQLAlchemy."""
    connection = library.connect(database_url)  # type: ignore[attr-defined]
    with pytest.raises(WarehouseError, match="PostgreSQL takes no changes"), explained(), connection.cursor() as cursor:
        cursor.execute(RAISE.format("25006"))
    connection.close()


@pytest.mark.parametrize("code", ["22P05", "40P01", "0A000", "P0001", "XX000", "22021", "54001"])
def test_nothing_gets_past_those_who_have_to_survive(engine: sa.Engine, code: str) -> None:
    with pytest.raises(WarehouseError, match=r"PostgreSQL .*: as it says$"), explained(), engine.begin() as connection:
        connection.execute(sa.text(RAISE.format(code)))


def test_a_mistake_in_a_statement_is_not_the_servers(engine: sa.Engine) -> None:
    with pytest.raises(sa.exc.ProgrammingError), reached(), engine.begin() as connection:
        connection.execute(sa.text("selct 1"))


def test_no_value_of_a_row_gets_into_the_sentence(engine: sa.Engine) -> None:
    name = sa.text("insert into telemetry.channel_names values (1234567, 'Ana', 1, 1)")
    with engine.begin() as connection:
        connection.execute(name)
    with pytest.raises(WarehouseError) as caught, explained(), engine.begin() as connection:
        connection.execute(name)
    assert "Ana" not in str(caught.value)
    assert "1234567" not in str(caught.value)


def test_a_database_that_takes_no_changes_is_named_by_who_writes_and_seen_by_who_reads(engine: sa.Engine) -> None:
    set_for_all(engine, "default_transaction_read_only = on")
    assert read_status(engine).read_only
    with pytest.raises(WarehouseError, match="PostgreSQL takes no changes"):
        problems.report(engine, Problem("key", "summary", "detail"))
    with pytest.raises(WarehouseError, match="PostgreSQL takes no changes"):
        migrate(engine)
    set_for_all(engine, "default_transaction_read_only = off")
    assert not read_status(engine).read_only


@pytest.mark.parametrize("table", ["telemetry.records", "telemetry.sync_state", "telemetry.views_default"])
def test_who_holds_a_table_is_named_to_who_looks(engine: sa.Engine, table: str) -> None:
    """It used to wait for as long as the lock lasted."""
    store(engine, start(1, "A"))
    looker = looking(engine.url.render_as_string(hide_password=False))
    person = sa.create_engine(engine.url.update_query_dict({"application_name": "psql of Ana"}), poolclass=sa.NullPool)
    with person.begin() as connection:
        connection.execute(sa.text(f"lock table {table}"))
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
        with pytest.raises(
            WarehouseError, match=rf"{table} is locked by postgres \(psql of Ana, process {pid} of Postgre.*since 2"
        ):
            read_status(looker)
    assert read_status(looker).records.rows == 1


def test_prepared_statements_that_exist_already_are_nobodys(engine: sa.Engine) -> None:
    """psycopg prepares what it executes six times, and behind a pooler that name may be taken."""
    with connect(engine.url.render_as_string(hide_password=False)).connect() as connection:
        for _ in range(10):
            connection.execute(sa.text("select :number"), {"number": 1})
        assert connection.scalar(sa.text("select count(*) from pg_prepared_statements")) == 0
