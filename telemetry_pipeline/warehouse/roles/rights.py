"""What the writer, the reader and tools may do with what the pipeline has."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.warehouse.roles.ddl import Statement
from telemetry_pipeline.warehouse.roles.ownership import Relation, relations, routines

# Who reads for people has no need of them.
_WITHHELD = {
    "records": {"ip", "ip_id", "smartcard_id", "data", "extra"},
    "rejected_records": {"payload"},
    "sync_gaps": {"raw"},
    "users": {"password_hash"},
    "web_sessions": {"session_hash", "owner_hash"},
    "api_tokens": {"token_hash"},
    "login_attempts": {"name_hash", "address"},
    "audit": {"address"},
    "subscriptions": {"recipients"},
    "outbox": {"recipient", "body", "html"},
}
# What the pipeline never deletes.
_KEPT = ("records", "rejected_records")
_VERSION_TABLE = "alembic_version"
_COLUMNS = sa.text("""
    select attname::text from pg_attribute
    where attrelid = cast(:table as regclass) and attnum > 0 and not attisdropped order by attnum
""")


def rights_of_the_writer(connection: sa.Connection, writer: str) -> Iterator[Statement]:
    """Yield what grants the writer's rights; the owner, who has all but results by now, runs it."""
    role = sql.Identifier(writer)
    yield sql.SQL("grant usage on schema telemetry, analysis, bi to {}").format(role)
    yield sql.SQL("grant create on schema analysis, bi to {}").format(role)
    for routine in routines(connection):
        if routine.ours and routine.may:
            yield sql.SQL("grant execute on routine {} to {}").format(sql.SQL(routine.name), role)
    for each in _granted(connection):
        if each.result:
            continue
        rights = {"view": "select", "sequence": "usage, select"}.get(each.object_type, "select, insert, update, delete")
        if each.relation == _VERSION_TABLE:
            rights = "select"
        elif each.relation in _KEPT:
            rights = "select, insert, update"
        noun = "sequence " if each.object_type == "sequence" else ""
        yield sql.SQL(f"grant {rights} on {noun}{{}} to {{}}").format(sql.SQL(each.name), role)


def closed(connection: sa.Connection) -> Iterator[Statement]:
    """Yield what takes functions with the owner's rights, triggers' too, from everybody: anybody has tables of any name."""
    for routine in routines(connection):
        if routine.ours and routine.may:
            yield sql.SQL("revoke execute on routine {} from public").format(sql.SQL(routine.name))


def rights_of_the_reader(connection: sa.Connection, reader: str, maker: str) -> Iterator[Statement]:
    """Yield what people may see, now and of results that come.

    :param maker: whose tables results are.
    """
    role = sql.Identifier(reader)
    yield sql.SQL("grant usage on schema telemetry, analysis, bi to {}").format(role)
    yield sql.SQL("alter default privileges for role {} in schema analysis, bi grant select on tables to {}").format(
        sql.Identifier(maker), role
    )
    for each in _granted(connection):
        if each.object_type == "sequence":
            continue
        columns = sql.Composed([])
        if each.schema == "telemetry" and (withheld := _WITHHELD.get(each.relation)):
            names = connection.scalars(_COLUMNS, {"table": each.name})
            columns = sql.SQL(" ({})").format(sql.SQL(", ").join(sql.Identifier(n) for n in names if n not in withheld))
        yield sql.SQL("grant select{} on {} to {}").format(columns, sql.SQL(each.name), role)


def rights_of_tools(connection: sa.Connection, bi: str, maker: str) -> Iterator[Statement]:
    """Yield what tools for charts and tables may see: the schema ``bi`` and nothing else, now and of results that come.

    :param maker: whose views of results are.
    """
    role = sql.Identifier(bi)
    yield sql.SQL("grant usage on schema bi to {}").format(role)
    yield sql.SQL("alter default privileges for role {} in schema bi grant select on tables to {}").format(
        sql.Identifier(maker), role
    )
    for each in _granted(connection):
        if each.schema == "bi":
            yield sql.SQL("grant select on {} to {}").format(sql.SQL(each.name), role)


def _granted(connection: sa.Connection) -> list[Relation]:
    return [each for each in relations(connection) if each.may and not each.partition]
