"""Who only reads holds no lock that the pipeline waits for, and writes nothing, whatever limits it lifts; others work on."""

from __future__ import annotations

from dataclasses import replace

import psycopg
import pytest
from role_servers import IN_THE_WAY, Server, server, work

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import connect

__all__ = ["server"]

LIFT = "set default_transaction_read_only = off; set statement_timeout = 0; set idle_in_transaction_session_timeout = 0; "


def tool(server: Server) -> str:
    """A tool's user, as docs/bi.md makes them."""
    name = server.user(f"tool {server.number}")
    server.ask(f'grant "{server.roles.bi}" to "{name}"')
    return name


def assert_out_of_the_way(server: Server, user: str) -> None:
    for statement in IN_THE_WAY:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.ask(LIFT + statement, user=user)
    assert server.ask("select count(*) from bi.views", user=user)


def test_a_tool_that_lifts_its_limits_holds_no_lock_and_writes_nothing(server: Server) -> None:
    assert server.migrate() == []
    assert_out_of_the_way(server, tool(server))
    work(connect(server.url(server.roles.writer)))
    assert server.migrate() == []
    server.ask(f'alter role "{server.roles.owner}" login')
    assert server.migrate(server.roles.owner) == []
    work(connect(server.url(server.roles.writer)), first_id=100)


def test_another_writer_gets_its_rights_from_the_owner(server: Server) -> None:
    server.migrate()
    owner = server.roles.owner
    server.ask(f'alter role "{owner}" login')
    other = server.user(f"other {server.number}")
    for statement in (f'grant "{other}" to "{owner}"', f'grant connect, temporary on database {server.name} to "{other}"'):
        server.ask(statement)
    assert server.migrate(owner, writer=other) == []
    work(connect(server.url(other)))


def test_all_roles_may_be_others_the_next_time(server: Server) -> None:
    server.migrate()
    server.roles = replace(
        server.roles, **{what: f"new {what} {server.number}" for what in ("owner", "writer", "reader", "bi")}
    )
    assert server.migrate() == []
    work(connect(server.url(server.roles.writer)))
    assert_out_of_the_way(server, tool(server))


def test_a_dba_who_is_no_superuser_migrates_what_a_superuser_has_closed(server: Server) -> None:
    server.migrate()
    dba = server.user(f"dba {server.number}", "login createrole")
    with pytest.raises(WarehouseError, match=f'grant "{server.roles.owner}" to "{dba}"'):
        server.migrate(dba)
    server.ask(f'grant "{server.roles.owner}" to "{dba}"')
    assert not any("function" in line for line in server.migrate(dba))
    work(connect(server.url(server.roles.writer)))


def test_whoever_has_tables_in_the_database_keeps_its_locks(server: Server) -> None:
    """As Dagster, if its tables are there, under whatever name."""
    dagster = server.user(f"dagster {server.number}")
    server.ask(f'create schema runs authorization "{dagster}"')
    server.ask("create table runs.runs (x integer)", user=dagster)
    assert server.migrate() == []
    assert server.ask("select pg_try_advisory_lock(4711)", user=dagster) == [(True,)]


def test_where_nobody_is_a_superuser_all_works_as_before_and_nothing_is_asked_for(server: Server) -> None:
    """As on a managed server, where PostgreSQL's own functions are not to be closed."""
    user = server.user(f"old {server.number}", "login createrole")
    server.ask(f'alter database {server.name} owner to "{user}"')
    assert not any("advisory" in line for line in server.migrate(user, writer=user))
    work(connect(server.url(user)))
    server.migrate(user)
    work(connect(server.url(user)), first_id=100)
