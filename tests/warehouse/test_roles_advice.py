"""Who migrates and may not do all of it: what is told, and what is kept from being half done."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from role_servers import CANARY, LOUD, Server, fail, refused, server, work

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.preparing import prepare_tables
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.roles import roles

__all__ = ["server"]

NO_SCHEMA = "select to_regnamespace('telemetry') is null"


def commands(told: pytest.ExceptionInfo[WarehouseError]) -> list[str]:
    return [line.strip() for line in str(told.value).splitlines()[1:]]


def run(server: Server, lines: list[str]) -> None:
    for line in lines:
        server.ask(line)


def test_a_right_that_is_missing_still_after_a_warning_is_asked_of_a_dba(server: Server) -> None:
    """Who grants what it has no grant option for is warned, and no more."""
    dba = server.user(f"dba {server.number}", "login createrole")
    server.ask(f'grant create on database {server.name} to "{dba}"')
    with pytest.raises(
        WarehouseError, match=f"^{dba} may not give {server.roles.writer}, the pipeline's user, its rights"
    ) as told:
        server.migrate(dba)
    assert f'grant create on database "{server.name}" to "{server.roles.owner}";' in commands(told)
    assert server.ask(NO_SCHEMA) == [(True,)]
    run(server, commands(told))
    server.migrate(dba)
    work(connect(server.url(server.roles.writer)))


@pytest.mark.parametrize("name", ["bob", "alice's bob {} %s"])
def test_two_users_neither_of_whom_may_make_roles_are_stopped_before_anything_is_made(server: Server, name: str) -> None:
    alice, bob = (server.user(f"{each} {server.number}") for each in ("alice", name))
    server.ask(f'alter database {server.name} owner to "{alice}"')
    with pytest.raises(WarehouseError, match="may not give") as told:
        server.migrate(alice, writer=bob)
    assert server.ask(NO_SCHEMA) == [(True,)]
    run(server, commands(told))
    assert server.migrate(alice) == []
    work(connect(server.url(bob)))


def test_a_dba_who_may_not_hand_the_tables_over_is_told_what_has_to_be_run(server: Server) -> None:
    old = server.user(f"old {server.number}")
    server.ask(f'alter database {server.name} owner to "{old}"')
    server.migrate(old, writer=old)
    dba = server.user(f"dba {server.number}", "login createrole")
    with pytest.raises(WarehouseError) as told:
        server.migrate(dba)
    assert f'grant "{old}" to "{server.roles.owner}";' in commands(told)
    run(server, commands(told))
    server.migrate(dba)
    work(connect(server.url(old)))
    refused(connect(server.url(old)), "drop table telemetry.records")


def test_whose_the_tables_are_is_told_if_they_are_a_third_users(server: Server) -> None:
    old = server.user(f"old {server.number}")
    server.ask(f'alter database {server.name} owner to "{old}"')
    server.migrate(old, writer=old)
    dba = server.user(f"dba {server.number}", "login createrole")
    server.ask(f'grant create on database {server.name} to "{dba}" with grant option')
    with pytest.raises(WarehouseError, match=f"the tables are {old}'s, and {dba} may not hand them over"):
        server.migrate(dba, writer=f"writer {server.number}")


def test_a_reader_that_nobody_may_make_keeps_the_pipeline_from_nothing(server: Server) -> None:
    server.migrate()
    server.ask(f'alter role "{server.roles.owner}" login')
    server.roles = replace(server.roles, reader=f"other {server.number}")
    assert server.migrate(server.roles.owner)[0] == f'create role "{server.roles.reader}";'
    work(connect(server.url(server.roles.writer)))


def given(server: Server, user: str, writer: str, dagster_url: str = "") -> StackSettings:
    return StackSettings(
        database_url=server.url(writer),
        owner_database_url=server.url(user),
        database_owner=server.roles.owner,
        database_reader=server.roles.reader,
        database_bi=server.roles.bi,
        dagster_database_url=dagster_url or None,
    )


def test_the_local_stack_says_what_a_dba_has_to_run(server: Server) -> None:
    old = server.user(f"old {server.number}")
    server.ask(f'alter database {server.name} owner to "{old}"')
    said: list[str] = []
    prepare_tables(given(server, old, old), said.append)  # type: ignore[arg-type]
    assert said[0].startswith("a DBA has to run this for the roles of the database")
    assert f'    grant "{old}" to "{server.roles.owner}";' in said


@pytest.mark.parametrize("where", ["the same server", "another one"])
def test_the_user_of_dagsters_database_is_quiet_too(server: Server, where: str) -> None:
    """Its events hold previews of results."""
    dagster = server.user(f"dagster {server.number}")
    for name, loud in LOUD.items():
        server.ask(f"alter role \"{dagster}\" set {name} = '{loud}'")
    server.ask(f'grant temporary on database {server.name} to "{dagster}"')
    url = server.url(dagster) if where == "the same server" else f"postgresql://{quote(dagster)}@elsewhere/dagster"
    settings = given(server, "postgres", server.roles.writer, url)
    found = roles.of_settings(settings, server.url(server.roles.writer))
    assert roles.migrate(connect(server.url()), *found).advice == []
    [(data,)] = server.ask("show data_directory")
    log = Path(data).parent / "logs" / "postgres.log"
    before = log.stat().st_size
    fail(server.url(dagster))
    assert (CANARY in log.read_bytes()[before:].decode()) == (where == "another one")
