"""Whatever PostgreSQL says reaches a person as one sentence, and who looks never waits for long."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest
import sqlalchemy as sa
from warehouse_events import start, store

from telemetry_pipeline.errors import StatementFailed, WarehouseError, WarehouseUnavailable
from telemetry_pipeline.warehouse.db.connections import connect, driver, looking, shared
from telemetry_pipeline.warehouse.db.errors import sqlstate
from telemetry_pipeline.warehouse.db.migrating import migrate
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem
from telemetry_pipeline.warehouse.operations.status import read_status
from telemetry_pipeline.warehouse.raw.records import writing

RAISE = "do $$ begin raise exception using errcode = '{}', message = 'as it says'; end $$"


Connected = Callable[[sa.Engine], AbstractContextManager[sa.Connection]]


def connected_with_psycopg(engine: sa.Engine) -> AbstractContextManager[sa.Connection]:
    return connect(engine.url.render_as_string(hide_password=False)).connect()


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
        ("53200", "PostgreSQL has no memory left"),
        ("53300", "PostgreSQL has no connection left"),
        ("57P01", "PostgreSQL cannot be reached"),
        ("57P03", "PostgreSQL cannot be reached"),
        ("57014", "PostgreSQL ended a statement"),
        ("42501", "PostgreSQL does not let this user do that"),
        ("XX001", "PostgreSQL's files are damaged"),
        ("40001", "PostgreSQL cannot do that at the moment"),
        ("53400", "PostgreSQL cannot do that at the moment"),
        ("08006", "PostgreSQL cannot be reached"),
    ],
)
@pytest.mark.parametrize("connected", [connected_with_psycopg, writing], ids=["psycopg", "psycopg2"])
def test_what_is_the_servers_is_said_in_a_sentence(engine: sa.Engine, connected: Connected, code: str, sentence: str) -> None:
    with connected(engine) as connection, pytest.raises(WarehouseError, match=rf"{sentence}.*: as it says") as told:
        connection.execute(sa.text(RAISE.format(code)))
    assert not isinstance(told.value, StatementFailed)
    assert sqlstate(told.value) == code


@pytest.mark.parametrize("connected", [connected_with_psycopg, writing], ids=["psycopg", "psycopg2"])
def test_what_goes_past_sqlalchemy_is_explained_too(engine: sa.Engine, connected: Connected) -> None:
    """As COPY does."""
    with (
        connected(engine) as connection,
        pytest.raises(WarehouseUnavailable, match="PostgreSQL takes no changes") as told,
        driver(connection) as session,
        session.cursor() as cursor,
    ):
        cursor.execute(RAISE.format("25006"))
    assert told.value.advice == "name the primary in the address, or switch that off"


@pytest.mark.parametrize("code", ["22P05", "23505", "42601", "0A000", "P0001", "XX000", "22021", "54001"])
def test_a_statement_that_fails_is_not_the_servers(engine: sa.Engine, code: str) -> None:
    with pytest.raises(StatementFailed, match=r"PostgreSQL .*: as it says$"), engine.begin() as connection:
        connection.execute(sa.text(RAISE.format(code)))


def test_a_table_that_is_not_there_is_of_another_version(engine: sa.Engine) -> None:
    with (
        pytest.raises(WarehouseError, match="the database lacks the tables of this version") as told,
        engine.begin() as connection,
    ):
        connection.execute(sa.text("select from telemetry.future"))
    assert told.value.advice == "apply them with 'telemetry-pipeline migrate'"


def test_a_server_that_is_not_there_passes() -> None:
    with pytest.raises(WarehouseUnavailable, match="PostgreSQL cannot be reached"):
        connect("postgresql://nobody@127.0.0.1:1/nowhere").connect()


def test_a_connection_that_was_kept_and_has_ended_meanwhile_is_made_anew(database_url: str, engine: sa.Engine) -> None:
    """What the pool finds out is nobody's failure."""
    kept = shared(database_url)
    with kept.connect() as connection:
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
    with engine.begin() as connection:
        connection.execute(sa.text("select pg_terminate_backend(:pid)"), {"pid": pid})
    with kept.connect() as connection:
        assert connection.scalar(sa.text("select pg_backend_pid()")) != pid


def test_a_connection_that_ends_in_use_is_dropped_from_the_pool(database_url: str, engine: sa.Engine) -> None:
    kept = shared(database_url)
    with kept.connect() as connection:
        pid = connection.scalar(sa.text("select pg_backend_pid()"))
        with engine.begin() as other:
            other.execute(sa.text("select pg_terminate_backend(:pid)"), {"pid": pid})
        with pytest.raises(WarehouseUnavailable, match="PostgreSQL cannot be reached"):
            connection.execute(sa.text("select 1"))
    with kept.connect() as connection:
        assert connection.scalar(sa.text("select pg_backend_pid()")) != pid


def test_no_value_of_a_row_gets_into_the_sentence(engine: sa.Engine) -> None:
    name = sa.text("insert into telemetry.channel_names values (1234567, 'Ana', 1, 1)")
    with engine.begin() as connection:
        connection.execute(name)
    with pytest.raises(StatementFailed) as caught, engine.begin() as connection:
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
