"""Who may do what in the warehouse: an owner, who migrates; a writer, which is the pipeline; a reader, for people.

* The *owner* has the tables, and is nobody's to log in as but for a migration.
* The *writer* changes rows, and owns the tables of results, which it makes as analyses come and grow. It can neither drop nor
  change what holds telemetry, delete no record, and give nobody rights.
* The *reader* sees everything but what a record has of people beyond its views (addresses, smartcards, fields that the schema
  does not know) and the raw texts of rejected records and gaps.

The owner is a member of the writer, so that it may change the tables of results, too. Nothing here needs a superuser, but
who may not make roles says what somebody else has to run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import psycopg
import psycopg2.errorcodes as codes
import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.addresses import user_and_password
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.settings import StackSettings
from telemetry_pipeline.warehouse import database
from telemetry_pipeline.warehouse.reading import DATABASE_ERRORS, reached, sqlstate

QUIET: Mapping[str, tuple[str, ...]] = {
    "log_min_messages": ("log", "fatal", "panic"),
    "log_error_verbosity": ("terse",),
    "log_min_error_statement": ("panic", "fatal", "log"),
    "log_parameter_max_length_on_error": ("0",),
}
"""With which values of its settings PostgreSQL logs no error that quotes rows; the first one is set."""

_SCHEMAS = ("telemetry", "analysis")
_LOCK_TIMEOUT = "30s"
# Tables of `analysis` that migrations make; the rest are results.
_CATALOGUE = ("results", "documents")
# Who reads for people has no need of them.
_WITHHELD = {
    "records": {"ip", "ip_id", "smartcard_id", "data", "extra"},
    "rejected_records": {"payload"},
    "sync_gaps": {"raw"},
}
# What the pipeline never deletes.
_KEPT = ("records", "rejected_records")
_VERSION_TABLE = "alembic_version"

_FACTS = sa.text("""
    select current_user::text as user, current_database()::text as database, rolsuper as superuser,
        coalesce((select pg_get_userbyid(nspowner)::text from pg_namespace where nspname = 'telemetry'), '') as owner
    from pg_roles where rolname = current_user
""")
_PRESENT = sa.text("select rolname::text, rolsuper from pg_roles where rolname = any(:names)")
_SET = sa.text("""
    select split_part(setting, '=', 1), split_part(setting, '=', 2)
    from pg_db_role_setting join pg_roles on pg_roles.oid = setrole, unnest(setconfig) as setting
    where rolname = :role and setdatabase in (0, (select oid from pg_database where datname = current_database()))
""")
# A user's own settings say nothing of others.
_OF_THE_SERVER = sa.text("select name, setting from pg_settings where name = any(:names) and source not like '%user%'")
_RELATIONS = sa.text("""
    select relname::text as name, relkind::text as kind, relispartition as partition, pg_get_userbyid(relowner)::text as owner
    from pg_class
    where relnamespace = to_regnamespace(:schema) and relkind in ('r', 'p', 'v', 'S')
      and not exists (
          select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'i')
              and refclassid = 'pg_class'::regclass and relkind = 'S'
      )
    order by relname
""")
_ROUTINES = sa.text("""
    select oid::regprocedure::text from pg_proc
    where pronamespace = to_regnamespace(:schema) and pg_get_userbyid(proowner) <> :owner
""")
_COLUMNS = sa.text("""
    select attname::text from pg_attribute
    where attrelid = cast(:table as regclass) and attnum > 0 and not attisdropped order by attnum
""")
_KINDS = {"r": "table", "p": "table", "v": "view", "S": "sequence"}


_Statement = sql.SQL | sql.Composed


@dataclass(frozen=True)
class Roles:
    """Their names in one warehouse."""

    owner: str
    writer: str
    reader: str


def of_settings(settings: StackSettings, url: str) -> tuple[Roles, str]:
    """The roles, and the writer's password.

    :param url: of the pipeline, whose user is the writer.
    """
    writer, password = user_and_password(url)
    return Roles(settings.database_owner, writer, settings.database_reader), password


@dataclass(frozen=True)
class Migrated:
    """What came of it.

    :ivar applied: the migrations, oldest first.
    :ivar advice: what somebody with more rights has to run for the roles; empty: nothing.
    """

    applied: list[str]
    advice: list[str]


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
    :raises WarehouseError: PostgreSQL is unreachable, its schema is of a newer version, or the tables are another user's.
    """
    advice = make(engine, roles, password)
    with reached(), engine.connect() as connection:
        facts = _facts(connection)
        divided = not _is_of_one(connection, facts, roles) and not any(line.startswith(("create", "grant")) for line in advice)
        strange = facts.owner not in ("", facts.user) and not _is_member(connection, facts.user, facts.owner)
    pending = database.pending_migrations(engine)
    if strange:
        if pending:
            raise WarehouseError(
                f"the tables are {facts.owner}'s, and migrations are missing ({', '.join(pending)}): "
                "let OWNER_DATABASE_URL be the owner's address"
            )
        return Migrated([], advice)
    if divided:
        with reached(), engine.begin() as connection:
            _take_turns(connection)
            hand_over(connection, "telemetry", roles.owner)
            hand_over(connection, "analysis", roles.owner, results_to=roles.writer)
    database.migrate(engine, roles.owner if divided else None)
    with reached(), engine.begin() as connection:
        _take_turns(connection)
        if divided:
            connection.execute(sa.text("select set_config('role', :owner, true)"), {"owner": roles.owner})
            _run(connection, _rights_of_the_writer(connection, roles.writer))
        _run(connection, _closed())
        if _pairs(connection, _PRESENT, names=[roles.reader]):
            _run(connection, _rights_of_the_reader(connection, roles.reader, roles.writer if divided else facts.user))
    return Migrated(pending, advice)


def make(engine: sa.Engine, roles: Roles, password: str = "") -> list[str]:
    """Make the roles that are missing, and give them what only a database can be asked for, where this user may.

    :returns: what somebody else has to run.
    """
    with reached(), engine.begin() as connection:
        database.lock(connection, "migrations")
        facts = _facts(connection)
        needed = list(_needed(connection, facts, roles, password))
        advice = [] if _may(connection, needed) else list(_needed(connection, facts, roles))
        quiet = [line for role in (roles.owner, roles.writer) for line in _quieting(connection, role)]
        return _texts(connection, advice + ([] if _may(connection, quiet) else quiet))


def hand_over(connection: sa.Connection, schema: str, owner: str, results_to: str | None = None) -> None:
    """Give a schema, if it is there, and all that is in it to a role.

    :param results_to: whose what no migration made shall be, and who makes more of it there.
    """
    name = sql.Identifier(schema)
    found = connection.execute(sa.text("select pg_get_userbyid(nspowner) from pg_namespace where nspname = :n"), {"n": schema})
    before = found.scalar()
    if before is None:
        return
    statements = []
    if before != owner and schema in _SCHEMAS:
        statements.append(sql.SQL("alter schema {} owner to {}").format(name, sql.Identifier(owner)))
    if results_to is not None:
        statements.append(sql.SQL("grant usage, create on schema {} to {}").format(name, sql.Identifier(results_to)))
    for relation in connection.execute(_RELATIONS, {"schema": schema}):
        wanted = owner if results_to is None or relation.name in _CATALOGUE else results_to
        if relation.owner != wanted:
            form = f"alter {_KINDS[relation.kind]} {{}} owner to {{}}"
            statements.append(sql.SQL(form).format(sql.Identifier(schema, relation.name), sql.Identifier(wanted)))
    for routine in connection.scalars(_ROUTINES, {"schema": schema, "owner": owner}):
        statements.append(sql.SQL("alter routine {} owner to {}").format(sql.SQL(routine), sql.Identifier(owner)))
    _run(connection, statements)


def _needed(connection: sa.Connection, facts: _Facts, roles: Roles, password: str = "") -> Iterable[_Statement]:
    """What is missing of the roles and of their rights in the server and the database.

    :param password: empty: nobody is to read it.
    """
    present = _pairs(connection, _PRESENT, names=[roles.owner, roles.writer, roles.reader])
    owner, writer, reader, user, name = (
        sql.Identifier(each) for each in (roles.owner, roles.writer, roles.reader, facts.user, facts.database)
    )
    of_one = _is_of_one(connection, facts, roles)
    if of_one and facts.superuser:
        return  # there is no writer to be told apart; doctor says so
    if roles.owner not in present:
        yield sql.SQL("create role {}").format(owner)
    if roles.writer not in present:
        form = "create role {} login" + (" password {}" if password else "")
        yield sql.SQL(form).format(writer, *([_verifier(connection, roles.writer, password)] if password else []))
    if roles.reader not in present:
        yield sql.SQL("create role {}").format(reader)
    if not of_one and not _is_member(connection, facts.user, roles.owner):
        yield sql.SQL("grant {} to {}").format(owner, user)
    if not _is_member(connection, roles.owner, roles.writer):
        yield sql.SQL("grant {} to {}").format(writer, owner)
    for role, identifier, wanted in (
        (roles.owner, owner, ("create", "temporary", "connect")),
        (roles.writer, writer, ("temporary", "connect")),
        (roles.reader, reader, ("connect",)),
    ):
        lacking = [each for each in wanted if not _has(connection, role, facts.database, each)]
        if lacking:
            yield sql.SQL("grant {} on database {} to {}").format(sql.SQL(", ".join(lacking)), name, identifier)


def _quieting(connection: sa.Connection, role: str) -> list[_Statement]:
    """What has the server log no rows in that role's errors."""
    if role not in _pairs(connection, _PRESENT, names=[role]):
        return []
    found = _pairs(connection, _OF_THE_SERVER, names=list(QUIET)) | _pairs(connection, _SET, role=role)
    return [
        sql.SQL("alter role {} set {} = {}").format(sql.Identifier(role), sql.Identifier(name), sql.Literal(wanted[0]))
        for name, wanted in QUIET.items()
        if found.get(name) not in wanted
    ]


def _rights_of_the_writer(connection: sa.Connection, writer: str) -> Iterable[_Statement]:
    """Run by the owner, who has made everything by now."""
    role = sql.Identifier(writer)
    yield sql.SQL("grant usage on schema telemetry, analysis to {}").format(role)
    yield sql.SQL("grant create on schema analysis to {}").format(role)
    for schema in _SCHEMAS:
        name = sql.Identifier(schema)
        yield sql.SQL("grant execute on all routines in schema {} to {}").format(name, role)
        for relation in _own(connection, schema):
            rights = {"v": "select", "S": "usage, select"}.get(relation.kind, "select, insert, update, delete")
            if relation.name == _VERSION_TABLE:
                rights = "select"
            elif relation.name in _KEPT:
                rights = "select, insert, update"
            kind = "sequence " if relation.kind == "S" else ""
            yield sql.SQL(f"grant {rights} on {kind}{{}} to {{}}").format(sql.Identifier(schema, relation.name), role)


def _closed() -> Iterable[_Statement]:
    """Functions with the owner's rights are not for everybody, a trigger's neither: anybody has tables of any name."""
    for schema in _SCHEMAS:
        yield sql.SQL("revoke execute on all routines in schema {} from public").format(sql.Identifier(schema))


def _rights_of_the_reader(connection: sa.Connection, reader: str, maker: str) -> Iterable[_Statement]:
    """What people may see, now and of results that come.

    :param maker: whose tables results are.
    """
    role = sql.Identifier(reader)
    yield sql.SQL("grant usage on schema telemetry, analysis to {}").format(role)
    yield sql.SQL("grant select on all tables in schema analysis to {}").format(role)
    yield sql.SQL("alter default privileges for role {} in schema analysis grant select on tables to {}").format(
        sql.Identifier(maker), role
    )
    for relation in _own(connection, "telemetry"):
        if relation.kind == "S":
            continue
        table, columns = sql.Identifier("telemetry", relation.name), sql.Composed([])
        if withheld := _WITHHELD.get(relation.name):
            names = connection.scalars(_COLUMNS, {"table": f"telemetry.{relation.name}"})
            columns = sql.SQL(" ({})").format(sql.SQL(", ").join(sql.Identifier(n) for n in names if n not in withheld))
        yield sql.SQL("grant select{} on {} to {}").format(columns, table, role)


def _own(connection: sa.Connection, schema: str) -> Sequence[sa.Row[Any]]:
    """What migrations made in a schema; months are read and written through their tables alone."""
    found = connection.execute(_RELATIONS, {"schema": schema}).all()
    return [each for each in found if not each.partition and (schema == "telemetry" or each.name in _CATALOGUE)]


def _facts(connection: sa.Connection) -> _Facts:
    return _Facts(**connection.execute(_FACTS).one()._mapping)


def _is_of_one(connection: sa.Connection, facts: _Facts, roles: Roles) -> bool:
    """Whether the pipeline itself owns everything: it migrates, or it is a superuser anyway."""
    return facts.user == roles.writer or bool(_pairs(connection, _PRESENT, names=[roles.writer]).get(roles.writer))


def _pairs(connection: sa.Connection, statement: sa.TextClause, **values: Any) -> dict[str, Any]:
    return {name: value for name, value in connection.execute(statement, values)}  # noqa: C416 - rows are no tuples to mypy


def _is_member(connection: sa.Connection, user: str, role: str) -> bool:
    """Whether *user* may do all that *role* may; not, if one of them is missing."""
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
    """What PostgreSQL stores of a password: the statement may be logged."""
    pgconn = _driver(connection).pgconn
    return sql.Literal(pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256").decode())


def _may(connection: sa.Connection, statements: Iterable[_Statement]) -> bool:
    """Run all of them, or none if this user may not."""
    try:
        with connection.begin_nested():
            _run(connection, statements)
    except DATABASE_ERRORS as err:
        if sqlstate(err) != codes.INSUFFICIENT_PRIVILEGE:
            raise
        return False
    return True


def _run(connection: sa.Connection, statements: Iterable[_Statement]) -> None:
    for statement in list(statements):
        _driver(connection).execute(statement)


def _texts(connection: sa.Connection, statements: Iterable[_Statement]) -> list[str]:
    return [f"{statement.as_string(_driver(connection))};" for statement in statements]


def _take_turns(connection: sa.Connection) -> None:
    database.lock(connection, "migrations")
    connection.execute(sa.text(f"set local lock_timeout = '{_LOCK_TIMEOUT}'"))


def _driver(connection: sa.Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)
