"""Who may do what in the warehouse: an owner who migrates, a writer for the pipeline, a reader for people."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa
from results.test_computing import RULES
from warehouse_events import ZONE, complete, select, start, stop, store

from telemetry_pipeline.analyses.registry import defaults, find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import StatementFailed, WarehouseError
from telemetry_pipeline.results import computing, latest
from telemetry_pipeline.results.tables import table_of
from telemetry_pipeline.results.windows import Store
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.core import views
from telemetry_pipeline.warehouse.db import connections as database
from telemetry_pipeline.warehouse.db import partitions
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.errors import sqlstate
from telemetry_pipeline.warehouse.operations import adoption, attempts, problems
from telemetry_pipeline.warehouse.operations.status import read_status
from telemetry_pipeline.warehouse.roles import ownership, roles
from telemetry_pipeline.warehouse.roles.roles import Roles

DAY = date(2025, 1, 31)
TODAY = datetime.now(UTC).date()
SECRET = "it's a p@ss/word%41"
_numbers = itertools.count(1)


class Server:
    """A database of its own on the suite's server, and whoever is to use it; all gone behind the test."""

    def __init__(self, url: str) -> None:
        self.number = next(_numbers)
        self.name = f"roles_{self.number}"
        self.roles = Roles(*(f"{what} {self.number}" for what in ("owner", "writer", "reader")))
        self._server = url
        self.ask(f"drop database if exists {self.name} with (force)", of="postgres")
        self.ask(f"create database {self.name} template template0", of="postgres")

    def url(self, user: str = "postgres", password: str = "") -> str:
        who = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
        return at_database(self._server, self.name).replace("//postgres@", f"//{who}@")

    def ask(self, statement: str, of: str = "", user: str = "postgres") -> list[tuple[Any, ...]]:
        with psycopg.connect(at_database(self.url(user), of or self.name), autocommit=True) as connection:
            cursor = connection.execute(statement.encode())
            return cursor.fetchall() if cursor.description else []

    def user(self, name: str, attributes: str = "login") -> str:
        """Make one."""
        self.ask(f'create role "{name}" {attributes}')
        return name

    def migrate(self, user: str = "postgres", writer: str = "", password: str = "") -> list[str]:
        if writer:
            self.roles = Roles(self.roles.owner, writer, self.roles.reader)
        return roles.migrate(connect(self.url(user)), self.roles, password).advice

    def forget(self) -> None:
        self.ask(f"drop database {self.name} with (force)", of="postgres")
        for (role,) in self.ask(
            f"select rolname from pg_roles where rolname like '% {self.number}' order by 1 desc", of="postgres"
        ):
            self.ask(f'drop role "{role}"', of="postgres")


@pytest.fixture
def server(postgres_url: str) -> Iterator[Server]:
    server = Server(postgres_url)
    yield server
    server.forget()


@pytest.fixture
def servers(postgres_url: str) -> Iterator[tuple[Server, Server]]:
    with ExitStack() as running:
        both = [Server(postgres_url) for _ in range(2)]
        for server in both:
            running.callback(server.forget)
        yield both[0], both[1]


def work(engine: sa.Engine, first_id: int = 1) -> None:
    """All that the pipeline does in the warehouse."""
    store(engine, start(first_id, "A"), stop(first_id + 1, duration=3600), stop(first_id + 2, duration=7200))
    views.merge(engine, ZONE)
    views.analyze(engine)
    complete(engine)
    store_views = Store(RULES)
    analysis = find_analysis("general_summary")
    values = analysis.parse({})
    windows = list(analysis.windows(Period(DAY, DAY), values))
    computing.update(engine, store_views, analysis, windows, values)
    with engine.begin() as connection:
        latest.publish(connection, table_of(analysis), defaults()[analysis.name])
    assert partitions.keep_months(engine, TODAY - timedelta(days=70)) == []
    problems.report(engine, problems.Problem("a key", "A problem"))
    problems.resolve(engine, "a key")
    attempts.begin(engine, "run", "step", 0)
    attempts.forget(engine, "run")
    claims_made = {"operator_timezone": ZONE, "panaccess_timezone": "UTC", "upstream": "x"}
    adoption.adopt(engine, claims_made | {"panaccess_timezone": "Asia/Tokyo"})
    adoption.adopt(engine, claims_made)
    assert database.pending_migrations(engine) == []
    assert read_status(engine)


def refused(engine: sa.Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements[:-1]:
            connection.execute(sa.text(statement))
        with pytest.raises(WarehouseError) as told:
            connection.execute(sa.text(statements[-1]))
        assert sqlstate(told.value) == "42501", told.value


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
    assert database.pending_migrations(reader) == []


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
    for server in servers:
        assert server.migrate() == []
        work(connect(server.url(server.roles.writer)))
    for statement in ("select * from telemetry.views", "select * from analysis.general_summary"):
        refused(connect(two.url(one.roles.writer)), statement)
    for server in servers:
        assert server.migrate() == []


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


LOUD = {
    "log_min_messages": "warning",
    "log_error_verbosity": "default",
    "log_min_error_statement": "error",
    "log_parameter_max_length_on_error": "-1",
}
CANARY = "canary-4711"


def fail(url: str) -> None:
    """A statement, its parameters, a value that cannot be read, a repeated key, a line of COPY: each error quotes the row."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create temporary table people (name text primary key)")
        connection.execute("insert into people values (%s)", [CANARY])
        for statement, values in (
            (f"select '{CANARY}' from nowhere", []),
            ("insert into people values (%s)", [CANARY]),
            ("select cast(%s as text)::integer", [CANARY]),
            ("do $$ begin raise exception '%', (select name from people); end $$", None),
        ):
            with pytest.raises(psycopg.Error):
                connection.execute(statement, values)
        with pytest.raises(psycopg.Error), connection.cursor() as cursor, cursor.copy("copy people from stdin") as copy:
            copy.write(f"{CANARY}\tmore\n")


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
