"""Who may do what in the warehouse: an owner, who migrates; a writer, which is the pipeline; a reader, for people; tools.

* The *owner* has the tables, and is nobody's to log in as but for a migration.
* The *writer* changes rows, and owns the tables of results, which it makes as analyses come and grow. It can neither drop nor
  change what holds telemetry, delete no record, and give nobody rights.
* The *reader* sees everything but what a record has of people beyond its views (addresses, smartcards, fields that the schema
  does not know) and the raw texts of rejected records and gaps.
* *Tools* for charts and tables see the schema ``bi`` alone, in which nobody is named.

The owner is a member of the writer, so that it may change the tables of results, too. Nothing here needs a superuser, but
who may not make roles says what somebody else has to run.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.settings.addresses import is_same_server, user_and_password
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db import migrating
from telemetry_pipeline.warehouse.db.connections import driver, lock
from telemetry_pipeline.warehouse.roles.closing import (
    closing_functions,
    closing_public,
    closing_temporary,
    may_lock,
    missing_functions,
)
from telemetry_pipeline.warehouse.roles.ddl import Statement, pairs, run, texts, tried
from telemetry_pipeline.warehouse.roles.limits import limiting
from telemetry_pipeline.warehouse.roles.ownership import hand_over
from telemetry_pipeline.warehouse.roles.quiet import quieting
from telemetry_pipeline.warehouse.roles.rights import closed, rights_of_the_reader, rights_of_the_writer, rights_of_tools

_LOCK_TIMEOUT = "30s"
_FACTS = sa.text("""
    select current_user::text as user, current_database()::text as database, rolsuper as superuser,
        coalesce((select pg_get_userbyid(nspowner)::text from pg_namespace where nspname = 'telemetry'), '') as owner
    from pg_roles where rolname = current_user
""")
_PRESENT = sa.text("select rolname::text, rolsuper from pg_roles where rolname = :role")
_ADVICE = (
    "a DBA has to run this for the roles of the database, which this user may not, and until then all works as before; "
    "docs/production.md tells what comes next:"
)
_REFUSED = "{user} may not give {writer}, the pipeline's user, its rights, and the tables stay as they are"
_BEFORE = "a DBA has to run this before; docs/production.md tells what comes next:"


@dataclass(frozen=True)
class Roles:
    """Their names in one warehouse.

    :ivar bi: that of tools. :ivar dagster: who logs in at Dagster's database; empty: nobody at this server.
    """

    owner: str
    writer: str
    reader: str
    bi: str
    dagster: str = ""


def of_settings(settings: StackSettings, url: str) -> tuple[Roles, str]:
    """Return the roles, and the writer's password.

    :param url: of the pipeline, whose user is the writer.
    """
    writer, password = user_and_password(url)
    dagster = ""
    if settings.dagster_database_url and is_same_server(settings.dagster_database_url.get_secret_value(), url):
        dagster, _ = user_and_password(settings.dagster_database_url.get_secret_value())
    return Roles(settings.database_owner, writer, settings.database_reader, settings.database_bi, dagster), password


@dataclass(frozen=True)
class Migrated:
    """What came of it.

    :ivar applied: the migrations, oldest first.
    :ivar advice: what somebody with more rights has to run for the roles; empty: nothing.
    """

    applied: list[str]
    advice: list[str]

    @property
    def lines(self) -> list[str]:
        """The advice as people are told it."""
        return [_ADVICE, *(f"    {line}" for line in self.advice)] if self.advice else []


@dataclass(frozen=True)
class _Facts:
    """Who asks, in which database, and whose it is so far; no owner: nobody's."""

    user: str
    database: str
    superuser: bool
    owner: str


def migrate(engine: sa.Engine, roles: Roles, password: str = "") -> Migrated:
    """Bring the schema to the newest version, and give each role what is its own; safe at every start.

    :param engine: of the owner, or of one who may be or make it. If it is the writer's itself, as in a warehouse of one user,
        everything stays its own.
    :param password: of the writer, if it has to be made.
    :raises WarehouseError: PostgreSQL is unreachable, its schema is of a newer version, the tables are another user's, or this
        user may not give the writer its rights; says what to do.
    """
    advice = make(engine, roles, password)
    with engine.connect() as connection:
        facts = _facts(connection)
        divided = not _is_of_one(connection, facts, roles)
        strange = facts.owner not in ("", facts.user) and not _is_member(connection, facts.user, facts.owner)
    if strange:
        if divided:
            raise WarehouseError(
                f"the tables are {facts.owner}'s, and {facts.user} may not hand them over",
                f"let OWNER_DATABASE_URL be the address of {facts.owner} or of a superuser, once",
            )
        if pending := migrating.pending_migrations(engine):
            raise WarehouseError(
                f"the tables are {facts.owner}'s, and migrations are missing ({', '.join(pending)})",
                "let OWNER_DATABASE_URL be the owner's address",
            )
        return Migrated([], advice)
    pending = migrating.pending_migrations(engine)
    refused: list[str] = []
    if divided:
        with engine.begin() as connection:
            _take_turns(connection)
            refused = texts(connection, hand_over(connection, roles.owner, roles.writer))
    try:
        migrating.migrate(engine, roles.owner if divided else None)
        with engine.begin() as connection:
            _take_turns(connection)
            if divided:
                connection.execute(sa.text("select set_config('role', :owner, true)"), {"owner": roles.owner})
                run(connection, rights_of_the_writer(connection, roles.writer))
            run(connection, closed(connection))
            maker = roles.writer if divided else facts.user
            if _present(connection, roles.reader):
                run(connection, rights_of_the_reader(connection, roles.reader, maker))
            if _present(connection, roles.bi):
                run(connection, rights_of_tools(connection, roles.bi, maker))
    except WarehouseError as err:
        if not refused:
            raise
        more = "\n    ".join(["a DBA may have to run this before:", *refused])
        raise type(err)(err.problem, f"{err.advice}; {more}" if err.advice else more) from err
    return Migrated(pending, advice + refused)


def make(engine: sa.Engine, roles: Roles, password: str = "") -> list[str]:
    """Make the roles that are missing, and give them what only a database can be asked for, where this user may.

    :returns: what somebody else has to run.
    :raises WarehouseError: the pipeline cannot work without that; says what it is.
    """
    with engine.begin() as connection:
        if may_lock(connection):  # not who is about to become a member of the owner
            lock(connection, "migrations")
        facts = _facts(connection)
        needed = tried(connection, lambda: _needed(connection, facts, roles, password))
        if needed:  # without the password: nobody is to read it
            needed = list(_needed(connection, facts, roles))
        advice = texts(connection, needed)
        for wanted in (
            lambda: _for_readers(connection, facts, roles),
            lambda: closing_public(connection),
            lambda: _closing(connection, facts, roles),
            lambda: _quieting(connection, roles),
        ):
            advice += texts(connection, tried(connection, wanted))
        stopped = bool(needed) and not _is_of_one(connection, facts, roles)
    if stopped:
        raise WarehouseError(_REFUSED.format(user=facts.user, writer=roles.writer), "\n    ".join([_BEFORE, *advice]))
    return advice


def _needed(connection: sa.Connection, facts: _Facts, roles: Roles, password: str = "") -> Iterator[Statement]:
    """Yield what owner and writer lack of rights in the server and the database, if they are there at all."""
    if _is_of_superusers(connection, facts, roles):
        return  # there is no writer to be told apart; doctor says so
    of_one = _is_of_one(connection, facts, roles)
    owner, writer = sql.Identifier(roles.owner), sql.Identifier(roles.writer)
    if not _present(connection, roles.owner):
        yield sql.SQL("create role {}").format(owner)
    if not _present(connection, roles.writer):
        form = "create role {} login" + (" password {}" if password else "")
        yield sql.SQL(form).format(writer, *([_verifier(connection, roles.writer, password)] if password else []))
    if not of_one and not _is_member(connection, facts.user, roles.owner):
        yield sql.SQL("grant {} to {}").format(owner, sql.Identifier(facts.user))
    if not _is_member(connection, roles.owner, roles.writer):
        yield sql.SQL("grant {} to {}").format(writer, owner)
    yield from _lacking(connection, facts, roles.owner, "create", "temporary", "connect")
    yield from _lacking(connection, facts, roles.writer, "temporary", "connect")
    yield from missing_functions(connection, roles.owner, roles.writer)


def _for_readers(connection: sa.Connection, facts: _Facts, roles: Roles) -> Iterator[Statement]:
    if _is_of_superusers(connection, facts, roles):
        return
    for role in (roles.reader, roles.bi):
        if not _present(connection, role):
            yield sql.SQL("create role {}").format(sql.Identifier(role))
        yield from _lacking(connection, facts, role, "connect")
    yield from limiting(connection, roles.bi)


def _closing(connection: sa.Connection, facts: _Facts, roles: Roles) -> Iterator[Statement]:
    """Yield what keeps who only reads out of the pipeline's way, once those who keep their rights are there."""
    if not all(_present(connection, role) for role in (roles.owner, roles.writer)) or _is_of_superusers(
        connection, facts, roles
    ):
        return
    yield from closing_temporary(connection, roles.owner, roles.writer, roles.dagster)
    if facts.superuser:
        yield from closing_functions(connection, roles.owner, roles.writer, roles.dagster)


def _quieting(connection: sa.Connection, roles: Roles) -> Iterator[Statement]:
    for role in (roles.owner, roles.writer):
        yield from quieting(connection, role)
    if roles.dagster not in ("", roles.owner, roles.writer):
        yield from quieting(connection, roles.dagster, here=False)


def _lacking(connection: sa.Connection, facts: _Facts, role: str, *rights: str) -> Iterator[Statement]:
    lacking = [each for each in rights if not _has(connection, role, facts.database, each)]
    if lacking:
        yield sql.SQL("grant {} on database {} to {}").format(
            sql.SQL(", ".join(lacking)), sql.Identifier(facts.database), sql.Identifier(role)
        )


def _facts(connection: sa.Connection) -> _Facts:
    return _Facts(**connection.execute(_FACTS).one()._mapping)


def _is_of_one(connection: sa.Connection, facts: _Facts, roles: Roles) -> bool:
    """Return whether the pipeline itself owns everything: it migrates, or it is a superuser anyway."""
    return facts.user == roles.writer or _present(connection, roles.writer).get(roles.writer, False)


def _is_of_superusers(connection: sa.Connection, facts: _Facts, roles: Roles) -> bool:
    return facts.superuser and _is_of_one(connection, facts, roles)


def _present(connection: sa.Connection, role: str) -> Mapping[str, bool]:
    """Return whether a role is a superuser, by its name; nothing, if it is not there."""
    return pairs(connection, _PRESENT, role=role)


def _is_member(connection: sa.Connection, user: str, role: str) -> bool:
    """Return whether *user* may do all that *role* may; not, if one of them is missing."""
    return bool(
        connection.scalar(
            sa.text("""
            select bool_or(pg_has_role(users.oid, roles.oid, 'USAGE')) from pg_roles as users, pg_roles as roles
            where users.rolname = :user and roles.rolname = :role
        """),
            {"user": user, "role": role},
        )
    )


def _has(connection: sa.Connection, role: str, name: str, right: str) -> bool:
    found = sa.text("select has_database_privilege(oid, :name, :right) from pg_roles where rolname = :role")
    return bool(connection.scalar(found, {"role": role, "name": name, "right": right}))


def _verifier(connection: sa.Connection, role: str, password: str) -> sql.Literal:
    """Return what PostgreSQL stores of a password: the statement may be logged."""
    with driver(connection) as session:
        return sql.Literal(session.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode())


def _take_turns(connection: sa.Connection) -> None:
    lock(connection, "migrations")
    connection.execute(sa.text(f"set local lock_timeout = '{_LOCK_TIMEOUT}'"))
