"""What migrating says of the roles of the database."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from cli_harness import Outcome
from role_servers import Server, server

__all__ = ["server"]

NOTHING = "nothing to do: the schema is at its newest version\n"


def test_who_may_not_make_roles_is_told_in_a_sentence_what_a_dba_has_to_run(
    cli: Callable[..., Outcome], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = server.user(f"old {server.number}")
    server.ask(f'alter database {server.name} owner to "{user}"')
    monkeypatch.setenv("DATABASE_URL", server.url(user))
    monkeypatch.setenv("DATABASE_OWNER", server.roles.owner)
    monkeypatch.setenv("DATABASE_READER", server.roles.reader)
    monkeypatch.setenv("DATABASE_BI", server.roles.bi)
    told = cli("migrate")
    assert (told.status, told.err) == (0, "")
    sentence, *commands, applied = told.out.splitlines()
    assert sentence.startswith("a DBA has to run this for the roles of the database")
    assert applied.startswith("applied 0001")
    for command in commands:
        server.ask(command.strip())

    assert cli("migrate").out == NOTHING  # the owner's address is not known yet
    server.ask(f'alter role "{server.roles.owner}" login')
    monkeypatch.setenv("OWNER_DATABASE_URL", server.url(server.roles.owner))
    assert cli("migrate").out == NOTHING
    owned = "select count(*) from pg_class where relnamespace = 'telemetry'::regnamespace and relowner <> '{}'::regrole"
    assert server.ask(owned.format(f'"{server.roles.owner}"')) == [(0,)]
    monkeypatch.delenv("OWNER_DATABASE_URL")
    assert cli("migrate").out == NOTHING


def test_the_writer_is_told_whose_the_tables_are_if_migrations_are_missing(
    cli: Callable[..., Outcome], server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.migrate()
    server.ask("update telemetry.alembic_version set version_num = '0008_cursor'")
    monkeypatch.setenv("DATABASE_URL", server.url(server.roles.writer))
    told = cli("migrate")
    assert told.status == 1
    assert f"the tables are {server.roles.owner}'s, and migrations are missing (0009_roles, " in told.err
    assert "OWNER_DATABASE_URL" in told.err
