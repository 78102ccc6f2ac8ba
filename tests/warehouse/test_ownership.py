"""Whose things in the warehouse are, whoever made them."""

from __future__ import annotations

import psycopg
import pytest
from role_servers import Server, server, work

from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.roles import ownership

__all__ = ["server"]

DROPS = "begin execute 'drop table telemetry.records cascade'; end"
PLANTED = {
    "a function with its maker's rights": (
        f"create function analysis.f() returns void language plpgsql security definer as $${DROPS}$$",
        "select analysis.f()",
    ),
    "one of the name of a migration's": (
        f"create procedure analysis.watch_rows(stored text) language plpgsql security definer as $${DROPS}$$",
        "call analysis.watch_rows('x'::text)",
    ),
    "one with an odd name": (
        f"""create function analysis."f(); x"() returns void language plpgsql security definer as $${DROPS}$$""",
        """select analysis."f(); x"()""",
    ),
    "a cast that a trigger runs": (
        "drop table analysis.general_summary cascade; create type analysis.day as enum ('x');"
        "create function analysis.to_date(analysis.day) returns date language plpgsql as "
        "$$begin execute 'drop table telemetry.records cascade'; return null; end$$;"
        "create cast (analysis.day as date) with function analysis.to_date(analysis.day) as implicit;"
        "create table analysis.general_summary (period_last analysis.day, period_first date, parameters_key text);"
        "insert into analysis.general_summary values ('x', '2025-01-01', '');"
        "call analysis.watch_rows('analysis.general_summary')",
        "delete from analysis.general_summary",
    ),
    "a view to write through": (
        "create view analysis.latest_versions as select * from telemetry.alembic_version",
        "insert into analysis.latest_versions values ('1')",
    ),
    "a view that tools read, to write through": (
        "drop view bi.general_summary; create view bi.general_summary as select * from telemetry.alembic_version",
        "insert into bi.general_summary values ('1')",
    ),
    "a function where tools read": (
        f"create function bi.f() returns void language plpgsql security definer as $${DROPS}$$",
        "select bi.f()",
    ),
    "a default value": (
        "create function analysis.f() returns integer language plpgsql security definer as "
        "$$begin execute 'drop table telemetry.records cascade'; return 1; end$$;"
        "create table analysis.x (parameters_key integer default analysis.f())",
        "insert into analysis.x default values",
    ),
}
RESTORED = """
    do $$ declare each record; begin
    for each in select oid::regprocedure as name from pg_proc where proowner = '"{writer}"'::regrole loop
        execute format('alter routine %s owner to "{owner}"', each.name);
        execute format('grant execute on routine %s to public', each.name);
    end loop;
    for each in select oid::regclass as name from pg_class where relowner = '"{writer}"'::regrole and relkind in ('r', 'v') loop
        execute format('alter table %s owner to "{owner}"', each.name);
    end loop;
    end $$
"""


@pytest.mark.slow
@pytest.mark.parametrize("restored", [False, True], ids=["as made", "restored"])
@pytest.mark.parametrize("what", PLANTED)
def test_what_the_writer_makes_never_has_the_owners_rights(server: Server, what: str, restored: bool) -> None:
    plant, spring = PLANTED[what]
    server.migrate()
    server.ask(f'alter role "{server.roles.owner}" login')
    writer = server.roles.writer
    work(connect(server.url(writer)))
    server.ask(plant, user=writer)
    if restored:  # as docker/restore does it: all is the owner's, and functions are everybody's
        server.ask(RESTORED.format(writer=writer, owner=server.roles.owner))
    for user in ("postgres", server.roles.owner):
        assert server.migrate(user) == []
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            server.ask(spring, user=writer)
    assert server.ask("select to_regclass('telemetry.records') is not null") == [(True,)]


STRANGE = [
    "create view analysis.for_bi as select * from analysis.results",
    "create materialized view analysis.totals as select count(*) from telemetry.views",
    "create foreign data wrapper w; create server s foreign data wrapper w;"
    "create foreign table analysis.far (x integer) server s",
    "create table analysis.plans (x integer)",
    "create sequence analysis.numbers",
    "create function analysis.one() returns integer language sql security definer as 'select 1'",
    "create view telemetry.for_bi as select * from telemetry.views",
    "create function telemetry.one() returns integer language sql as 'select 1'",
]
OWNERS = """
    select relname::text, pg_get_userbyid(relowner)::text from pg_class
    where relname in ('for_bi', 'totals', 'far', 'plans', 'numbers') union all
    select proname::text, pg_get_userbyid(proowner)::text from pg_proc where proname = 'one'
"""


@pytest.mark.slow
@pytest.mark.parametrize("statement", STRANGE)
def test_what_a_dba_made_in_the_schemas_stays_the_dbas_and_stops_nobody(server: Server, statement: str) -> None:
    server.migrate()
    server.ask(f'alter role "{server.roles.owner}" login')
    server.ask(statement)
    for user in (server.roles.owner, "postgres"):
        assert server.migrate(user) == []
        assert [owner for _, owner in server.ask(OWNERS)] == ["postgres"]
    work(connect(server.url(server.roles.writer)))


def test_a_result_that_is_a_strangers_is_told_and_what_a_dba_then_runs_helps(server: Server) -> None:
    server.migrate()
    owner, writer = server.roles.owner, server.roles.writer
    server.ask(f'alter role "{owner}" login')
    work(connect(server.url(writer)))
    for thing in ("table analysis.general_summary", "view analysis.latest_general_summary"):
        server.ask(f"alter {thing} owner to postgres")
    server.ask("alter function telemetry.analyze_views() owner to postgres")
    advice = server.migrate(owner)
    assert sorted(advice) == [
        f'alter routine telemetry.analyze_views() owner to "{owner}";',
        f'alter table analysis.general_summary owner to "{writer}";',
        f'alter view analysis.latest_general_summary owner to "{writer}";',
    ]
    for command in advice:
        server.ask(command)
    assert server.migrate(owner) == []
    work(connect(server.url(writer)), first_id=100)


def test_all_that_migrations_and_the_pipeline_make_is_known(server: Server) -> None:
    server.migrate()
    work(connect(server.url(server.roles.writer)))
    every = """
        select count(*) from pg_class where relnamespace::regnamespace::text in ('telemetry', 'analysis', 'bi')
        and relkind in ('r', 'p', 'v', 'm', 'f', 'S')
        and not exists (select from pg_depend where objid = pg_class.oid and deptype in ('a', 'i') and relkind = 'S')
    """
    with connect(server.url()).connect() as connection:
        assert server.ask(every) == [(len(ownership.relations(connection)),)]
        found = ownership.routines(connection)
    assert [each.name for each in found if not each.ours] == []
    assert len(found) == len(ownership.ROUTINES)


def test_nobody_can_plant_in_public_what_owner_and_writer_would_run(server: Server) -> None:
    """As everybody could on PostgreSQL 14, and in what was upgraded from it."""
    member = server.user(f"member {server.number}")
    server.ask("grant create on schema public to public")
    assert server.migrate() == []
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        server.ask("create function public.lower(varchar) returns text language sql as 'select null'", user=member)
    work(connect(server.url(server.roles.writer)))


def test_who_may_not_close_the_schema_public_is_told_and_works_on(server: Server) -> None:
    dba = server.user(f"dba {server.number}", "login createrole")
    server.ask(f'alter database {server.name} owner to "{dba}"')
    server.ask("alter schema public owner to postgres; grant create on schema public to public")
    advice = server.migrate(dba)
    assert "revoke create on schema public from public;" in advice
    work(connect(server.url(server.roles.writer)))
    for command in advice:
        server.ask(command)
    assert "revoke create on schema public from public;" not in server.migrate(dba)
