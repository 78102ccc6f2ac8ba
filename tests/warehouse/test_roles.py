"""Who may do what in the warehouse: an owner who migrates, a writer for the pipeline, a reader for people."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from role_servers import CANARY, LOUD, Server, fail, refused, server, servers, work
from warehouse_events import select

from telemetry_pipeline.errors import StatementFailed
from telemetry_pipeline.warehouse.db import migrating
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.status import read_status
from telemetry_pipeline.warehouse.roles import ownership

__all__ = ["server", "servers"]

SECRET = "it's a p@ss/word%41"
FORBIDDEN_TO_THE_WRITER = [
    "drop table telemetry.records",
    "drop table telemetry.records_default",
    "delete from telemetry.records",
    "delete from telemetry.records_default",
    "truncate telemetry.views",
    "alter table telemetry.views add column x text",
    "alter table telemetry.records disable trigger all",
    "create table telemetry.mine (x integer)",
    "create schema mine",
    "update telemetry.alembic_version set version_num = '0001'",
    "drop function analysis.forget_results() cascade",
    "create extension vector",
    "create role mine",
    "copy (select 1) to program 'true'",
    "select pg_read_file('PG_VERSION')",
    "alter table analysis.results rename to r",
    "select telemetry.make_month('alembic_version', date '2020-01-01')",
]
FORBIDDEN_TO_THE_READER = [
    "delete from telemetry.views",
    "insert into analysis.general_summary default values",
    "update telemetry.sync_state set cursor = 7",
    "create table analysis.mine (x integer)",
    "select nextval('telemetry.views_version')",
    "select telemetry.make_month('records', date '2020-01-01')",
    "select telemetry.fold_month('records', date '2020-01-01')",
    "call analysis.watch_rows('analysis.general_summary')",
    "select ip from telemetry.records",
    "select * from telemetry.records",
    "select smartcard_id from telemetry.records_default",
    "select payload from telemetry.rejected_records",
    "select raw from telemetry.sync_gaps",
    "lock table telemetry.views in exclusive mode",
]


def test_the_writer_does_all_that_the_pipeline_does_and_the_reader_sees_it(server: Server) -> None:
    assert server.migrate() == []
    writer, reader = connect(server.url(server.roles.writer)), connect(server.url(server.roles.reader))
    server.ask(f'alter role "{server.roles.reader}" login')
    work(writer)
    for statement in FORBIDDEN_TO_THE_WRITER:
        if "make_month" in statement:
            with pytest.raises(StatementFailed, match="no table of months"), writer.begin() as connection:
                connection.execute(sa.text(statement))
        else:
            refused(writer, statement)
    rights = "select relacl::text from pg_class where oid = 'telemetry.views'::regclass"
    before = server.ask(rights)
    with writer.begin() as connection:  # PostgreSQL only warns of it
        connection.execute(sa.text("grant select, delete on telemetry.views to public"))
    assert server.ask(rights) == before
    for statement in FORBIDDEN_TO_THE_READER:
        refused(reader, statement)
    for seen in (
        "select watch_hours from analysis.general_summary",
        "select watch_hours from analysis.latest_general_summary",
        "select count(*) from telemetry.excluded_views",
        "select count(*), max(subscriber_code) from telemetry.views",
        "select count(*), max(record_id) from telemetry.records",
        "select count(*), max(reason) from telemetry.rejected_records",
    ):
        assert select(reader, seen), seen
    assert read_status(reader)
    assert migrating.pending_migrations(reader) == []


def test_the_reader_cannot_have_results_forgotten_by_a_table_of_its_own(server: Server) -> None:
    """The trigger's function deletes with the owner's rights what a table of that name says."""
    server.migrate()
    server.ask(f'alter role "{server.roles.reader}" login')
    server.ask(f'grant temporary on database {server.name} to "{server.roles.reader}"')
    forgets = "create trigger t after truncate on general_summary for each statement execute function analysis.forget_results()"
    refused(connect(server.url(server.roles.reader)), "create temporary table general_summary (x integer)", forgets)


def test_migrating_again_changes_nothing_and_shows_the_reader_what_came_since(server: Server) -> None:
    server.migrate()
    server.ask(f'alter role "{server.roles.reader}" login')
    writer = connect(server.url(server.roles.writer))
    work(writer)
    server.ask("create table telemetry.later (x integer)")
    assert server.migrate() == []
    reader = connect(server.url(server.roles.reader))
    assert select(reader, "select count(*) from telemetry.later") == [(0,)]
    work(writer, first_id=100)


@pytest.mark.parametrize("attributes", ["login createrole", "login"])
def test_who_may_not_make_roles_says_what_a_dba_has_to_run_and_works_on(server: Server, attributes: str) -> None:
    """As in an old warehouse: one user without further rights owns everything, and is the pipeline's."""
    user = server.user(f"old {server.number}", attributes)
    server.ask(f'alter database {server.name} owner to "{user}"')
    advice = server.migrate(user, writer=user)
    assert f'grant "{user}" to "{server.roles.owner}";' in advice
    old = connect(server.url(user))
    work(old)

    for statement in advice:
        server.ask(statement)
    server.ask(f'alter role "{server.roles.owner}" login')
    server.ask(f'alter role "{server.roles.reader}" login')
    assert server.migrate(server.roles.owner) == []
    owners = "select distinct pg_get_userbyid(relowner) from pg_class where relnamespace = 'telemetry'::regnamespace"
    assert server.ask(owners) == [(server.roles.owner,)]
    work(old, first_id=100)
    for statement in FORBIDDEN_TO_THE_WRITER[:4]:
        refused(old, statement)
    assert select(connect(server.url(server.roles.reader)), "select count(*) > 0 from analysis.general_summary") == [(True,)]


def test_who_may_create_roles_makes_them_and_needs_not_be_superuser(server: Server) -> None:
    dba = server.user(f"dba {server.number}", "login createrole")
    server.ask(f'alter database {server.name} owner to "{dba}"')
    advice = server.migrate(dba)
    assert all("set log_" in line for line in advice)
    work(connect(server.url(server.roles.writer)))
    assert server.migrate(dba) == advice
    refused(connect(server.url(server.roles.writer)), "drop table telemetry.records")


def test_what_a_superuser_owned_becomes_the_owners_with_its_results(server: Server) -> None:
    """The pipeline ran as the server's superuser until now."""
    assert server.migrate(writer="postgres") == []
    work(connect(server.url()))
    assert server.migrate(writer=f"writer {server.number}") == []
    work(connect(server.url(server.roles.writer)), first_id=100)
    assert not server.ask(
        "select relname from pg_class where relname in ('views', 'general_summary') and relowner = 10 and relnamespace > 16000"
    )


def test_the_writer_is_made_with_the_password_of_its_address_which_no_log_shows(server: Server) -> None:
    server.ask("alter role postgres set log_statement = 'all'")
    try:
        server.migrate(password=SECRET)
    finally:
        server.ask("alter role postgres reset log_statement")
    [(stored,)] = server.ask(f"select rolpassword from pg_authid where rolname = '{server.roles.writer}'")
    assert stored.startswith("SCRAM-SHA-256$")
    assert not server.ask("select from pg_stat_activity where query ~ 'p@ss'")


def test_two_pipelines_on_one_server_see_nothing_of_each_other(servers: tuple[Server, Server]) -> None:
    one, two = servers
    for each in servers:
        assert each.migrate() == []
        work(connect(each.url(each.roles.writer)))
    for statement in ("select * from telemetry.views", "select * from analysis.general_summary"):
        refused(connect(two.url(one.roles.writer)), statement)
    for each in servers:
        assert each.migrate() == []


def test_all_of_a_schema_is_handed_over_whatever_kinds_of_things_it_has(server: Server) -> None:
    """As Dagster's tables are, which were the superuser's in the local stack of a version before."""
    user = server.user(f"writer {server.number}")
    server.ask("create table public.runs (id serial primary key, n integer generated always as identity, body text)")
    server.ask("create view public.seen as select * from public.runs")
    server.ask("create sequence public.numbers")
    server.ask("create function public.one() returns integer language sql as 'select 1'")
    for _ in range(2):
        with connect(server.url()).begin() as connection:
            ownership.hand_over_all(connection, "public", user)
    for statement in (
        "insert into public.runs (body) values ('x')",
        "alter table public.runs add column x text",
        "drop view public.seen",
    ):
        server.ask(statement, user=user)
    server.ask("drop sequence public.numbers; drop function public.one()", user=user)


def test_the_log_of_a_server_that_logs_everything_quotes_no_row_of_owner_and_writer(server: Server) -> None:
    for name, loud in LOUD.items():
        server.ask(f"alter database {server.name} set {name} = '{loud}'")
    [(data,)] = server.ask("show data_directory")
    log = Path(data).parent / "logs" / "postgres.log"
    assert server.migrate() == []
    server.ask(f'alter role "{server.roles.owner}" login')
    for role in (server.roles.owner, server.roles.writer):
        before = log.stat().st_size
        fail(server.url(role))
        assert CANARY not in log.read_bytes()[before:].decode(), role
    fail(server.url())
    assert CANARY in log.read_bytes()[before:].decode()
