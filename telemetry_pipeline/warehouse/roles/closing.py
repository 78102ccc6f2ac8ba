"""What PostgreSQL lets everybody do, and who only reads is not to: hold locks that the pipeline would wait for, write large
objects, make temporary tables, and functions in ``public`` that others would run.

Limits do not keep anybody from it: a session that sleeps has a lock, and whoever has limits may lift them. So the rights go
from everybody to the pipeline's own users, and to whoever else has tables in the database, such as Dagster. PostgreSQL's own
functions are a superuser's to close; who is none keeps them as they are, and docs/bi.md tells how to.
"""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.warehouse.roles.ddl import Statement

# Whoever dumps a database opens and reads large objects.
_FUNCTIONS = sa.text("""
    select oid::regprocedure::text as name, has_function_privilege('public', oid, 'execute') as open
    from pg_proc where pronamespace = 'pg_catalog'::regnamespace and (
        proname ~ '^pg_(try_)?advisory_(xact_)?lock(_shared)?$'
        or proname in (
            'lo_creat', 'lo_create', 'lo_from_bytea', 'lo_put', 'lo_truncate', 'lo_truncate64', 'lo_unlink', 'lowrite'
        )
    ) order by 1
""")
_HAS = sa.text("""
    select bool_and(has_function_privilege(pg_roles.oid, cast(name as regprocedure), 'execute'))
    from pg_roles, unnest(cast(:names as text[])) as name where rolname = :role
""")
_DATABASE = sa.text("""
    select current_database()::text as name, has_database_privilege('public', current_database(), 'temporary') as temporary,
        coalesce(has_schema_privilege('public'::name, to_regnamespace('public')::oid, 'create'), false) as public
""")
_AT_WORK = sa.text("""
    select rolname::text from pg_roles where not rolsuper and (
        rolname = any(:users) or oid in (select relowner from pg_class where relkind in ('r', 'p') and relpersistence <> 't')
    ) order by 1
""")


def closing_public(connection: sa.Connection) -> Iterator[Statement]:
    """Yield what closes ``public``, where of old anybody may make functions that fit better than PostgreSQL's own."""
    if connection.execute(_DATABASE).one().public:
        yield sql.SQL("revoke create on schema public from public")


def closing_temporary(connection: sa.Connection, *users: str) -> Iterator[Statement]:
    """Yield what takes temporary tables from everybody but *users*, as far as those are there, and whoever has tables."""
    database = connection.execute(_DATABASE).one()
    if not database.temporary:
        return
    name = sql.Identifier(database.name)
    for role in _at_work(connection, users):
        yield sql.SQL("grant temporary on database {} to {}").format(name, sql.Identifier(role))
    yield sql.SQL("revoke temporary on database {} from public").format(name)


def closing_functions(connection: sa.Connection, owner: str, *users: str) -> Iterator[Statement]:
    """Yield what takes locks and large objects from everybody but *owner*, *users* and whoever has tables; a superuser's."""
    names, open_ones = _functions(connection)
    for role in _at_work(connection, (owner, *users)):
        if open_ones or not _has(connection, role, names):
            yield _granting(names, role, owner)
    if open_ones:
        yield sql.SQL("revoke execute on function {} from public").format(_listed(open_ones))


def missing_functions(connection: sa.Connection, owner: str, *users: str) -> Iterator[Statement]:
    """Yield what *owner* and *users* lack of them where they are closed; the owner may give them on."""
    names, open_ones = _functions(connection)
    closed = [name for name in names if name not in open_ones]
    for role in (owner, *users):
        if closed and not _has(connection, role, closed):
            yield _granting(closed, role, owner)


def may_lock(connection: sa.Connection) -> bool:
    """Return whether this user may take locks here."""
    return bool(connection.scalar(sa.text("select has_function_privilege('pg_advisory_xact_lock(bigint)', 'execute')")))


def _functions(connection: sa.Connection) -> tuple[list[str], list[str]]:
    """Return their names, with the types that they take, and those that everybody may call."""
    found = connection.execute(_FUNCTIONS).all()
    return [each.name for each in found], [each.name for each in found if each.open]


def _at_work(connection: sa.Connection, users: tuple[str, ...]) -> list[str]:
    return list(connection.scalars(_AT_WORK, {"users": list(users)}))


def _has(connection: sa.Connection, role: str, names: list[str]) -> bool:
    """Return whether a role may call all of them; not, if it is missing."""
    return bool(connection.scalar(_HAS, {"role": role, "names": names}))


def _granting(names: list[str], role: str, owner: str) -> Statement:
    form = "grant execute on function {} to {}" + (" with grant option" if role == owner else "")
    return sql.SQL(form).format(_listed(names), sql.Identifier(role))


def _listed(names: list[str]) -> sql.Composed:
    return sql.SQL(", ").join(sql.SQL(name) for name in names)
