"""The role of tools for charts and tables: it sees the schema ``bi`` and nothing else, and is in nobody's way."""

from __future__ import annotations

import psycopg
import pytest
from role_servers import Server, refused, server, settings_of, work
from warehouse_events import select

from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.roles.limits import CONNECTIONS

__all__ = ["server"]

FORBIDDEN = [
    "select count(*) from telemetry.views",
    "select count(*) from telemetry.records",
    "select count(*) from analysis.general_summary",
    "select count(*) from analysis.latest_general_summary",
    "select count(*) from analysis.results",
    "set transaction read write; delete from bi.views",
    "set transaction read write; update bi.views set channel_name = 'mine'",
    "set transaction read write; insert into bi.views (record_id) values (1)",
    "set transaction read write; create view bi.mine as select 1",
    "set transaction read write; create table public.mine (x integer)",
    "select telemetry.make_month('records', date '2020-01-01')",
]


def test_tools_see_the_schema_bi_and_nothing_else_and_change_nothing(server: Server) -> None:
    assert server.migrate() == []
    bi = server.roles.bi
    server.ask(f'alter role "{bi}" login')
    tool = connect(server.url(bi))
    assert select(tool, "select count(*) from bi.views") == [(0,)]
    work(connect(server.url(server.roles.writer)))
    for view in ("views", "channels", "days", "general_summary"):
        assert select(tool, f"select * from bi.{view}"), view
    for statement in FORBIDDEN:
        refused(tool, *statement.split("; "))
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        server.ask("create temporary table mine (x integer)", user=bi)
    granted = "select count(*) from information_schema.role_table_grants where grantee = '{}' and table_schema <> 'bi'"
    assert server.ask(granted.format(bi)) == [(0,)]


def test_views_of_analyses_stay_the_writers_who_renews_them(server: Server) -> None:
    server.migrate()
    work(connect(server.url(server.roles.writer)))
    assert server.migrate() == []
    owners = "select relname::text, pg_get_userbyid(relowner)::text from pg_class where relnamespace = 'bi'::regnamespace"
    others = dict.fromkeys(("views", "channels", "days"), server.roles.owner)
    assert dict(server.ask(owners)) == {"general_summary": server.roles.writer, **others}


def test_people_who_read_everything_read_that_too(server: Server) -> None:
    server.migrate()
    server.ask(f'alter role "{server.roles.reader}" login')
    work(connect(server.url(server.roles.writer)))
    assert select(connect(server.url(server.roles.reader)), "select watch_hours from bi.general_summary where is_newest")


def test_who_logs_in_as_the_role_has_limits_and_what_somebody_set_otherwise_stays(server: Server) -> None:
    server.migrate()
    bi = server.roles.bi
    server.ask(f'alter role "{bi}" login')
    assert settings_of(server, bi) == {
        "default_transaction_read_only": "on",
        "statement_timeout": "60000",
        "idle_in_transaction_session_timeout": "60000",
    }
    bound = f"select rolconnlimit from pg_roles where rolname = '{bi}'"
    assert server.ask(bound) == [(CONNECTIONS,)]
    server.ask(f'alter role "{bi}" set statement_timeout = \'10min\'; alter role "{bi}" connection limit 3')
    assert server.migrate() == []
    assert (settings_of(server, bi)["statement_timeout"], server.ask(bound)) == ("600000", [(3,)])


def test_a_role_that_nobody_may_make_is_asked_of_a_dba_and_keeps_the_pipeline_from_nothing(server: Server) -> None:
    user = server.user(f"old {server.number}")
    server.ask(f'alter database {server.name} owner to "{user}"')
    advice = server.migrate(user, writer=user)
    assert f'create role "{server.roles.bi}";' in advice
    work(connect(server.url(user)))
    for statement in advice:
        server.ask(statement)
    assert not any(server.roles.bi in line for line in server.migrate(user))
    server.ask(f'alter role "{server.roles.bi}" login')
    assert select(connect(server.url(server.roles.bi)), "select watch_hours from bi.general_summary where is_newest")


def test_a_warehouse_of_one_superuser_has_the_views_and_needs_no_roles(server: Server) -> None:
    """As the local stack's is."""
    assert server.migrate(writer="postgres") == []
    work(connect(server.url()))
    assert server.ask("select views from bi.days") == server.ask("select views from bi.general_summary where is_newest")
    assert server.ask(f"select from pg_roles where rolname = '{server.roles.bi}'") == []
