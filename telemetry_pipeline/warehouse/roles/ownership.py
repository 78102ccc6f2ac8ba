"""What the pipeline has in the warehouse, and whose it is: the owner's if a migration made it, the writer's if it is a result.

Whatever else is in the schemas is left to whom it belongs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.warehouse.roles.ddl import Statement, run

SCHEMAS = ("telemetry", "analysis", "bi")
HOLD_RESULTS = ("analysis", "bi")
"""Those of them in which the writer makes tables and views as results come."""

ROUTINES = (
    "analysis.forget_results()",
    "analysis.watch_rows(regclass)",
    "telemetry.make_month(text, date)",
    "telemetry.fold_month(text, date)",
    "telemetry.check_month(text, date)",
    "telemetry.analyze_views()",
    "telemetry.note_unknown_ids()",
)
"""Those that migrations make, by all that tells them from others of the same name."""

_OBJECT_TYPE = "case relkind when 'v' then 'view' when 'S' then 'sequence' else 'table' end as object_type"
_OF_A_COLUMN = """
    exists (
        select from pg_depend where classid = 'pg_class'::regclass and objid = pg_class.oid and deptype in ('a', 'i')
            and refclassid = 'pg_class'::regclass and relkind = 'S'
    )
"""
_SCHEMAS = sa.text("""
    select 'schema' as object_type, quote_ident(nspname) as name, pg_get_userbyid(nspowner)::text as owner,
        pg_has_role(nspowner, 'USAGE') as may
    from pg_namespace where nspname = any(:schemas)
""")
_RELATIONS = sa.text(rf"""
    select {_OBJECT_TYPE}, format('%I.%I', nspname, relname) as name, pg_get_userbyid(relowner)::text as owner,
        pg_has_role(relowner, 'USAGE') as may, nspname::text as schema, relname::text as relation,
        relispartition as partition, case nspname
            when 'analysis' then relname not in ('results', 'documents')
            when 'bi' then relname not in ('views', 'channels', 'days')
            else false
        end as result
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = any(:schemas) and not {_OF_A_COLUMN} and case
        when nspname = 'bi' then relkind = 'v' and (
            relname in ('views', 'channels', 'days') or exists (
                select from pg_attribute
                where attrelid = to_regclass(format('analysis.%I', relname)) and attname = 'parameters_key'
            )
        )
        when relkind = 'v' then relname = 'excluded_views' or relname like 'latest\_%'
        when nspname = 'telemetry' then relkind in ('r', 'p', 'S')
        else relkind = 'r' and (
            relname = 'documents'
            or exists (select from pg_attribute where attrelid = pg_class.oid and attname = 'parameters_key')
        )
    end
    order by nspname desc, relname
""")
_ROUTINES = sa.text("""
    select 'routine' as object_type, oid::regprocedure::text as name, pg_get_userbyid(proowner)::text as owner,
        pg_has_role(proowner, 'USAGE') as may, pronamespace::regnamespace::text as schema,
        oid in (select to_regprocedure(ours) from unnest(cast(:routines as text[])) as ours) as ours
    from pg_proc where pronamespace in (select oid from pg_namespace where nspname = any(:schemas))
""")
_EVERYTHING = sa.text(f"""
    select {_OBJECT_TYPE}, format('%I.%I', nspname, relname) as name, pg_get_userbyid(relowner)::text as owner, true as may
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
    where nspname = :schema and relkind in ('r', 'p', 'v', 'S') and not {_OF_A_COLUMN}
    union all
    select 'routine', oid::regprocedure::text, pg_get_userbyid(proowner)::text, true
    from pg_proc where pronamespace = to_regnamespace(:schema)
""")


@dataclass(frozen=True)
class Thing:
    """Something of the pipeline's.

    :ivar object_type: as ``alter`` calls it.
    :ivar name: as SQL has it, with its schema.
    :ivar may: whether this user may do with it what its owner may.
    """

    object_type: str
    name: str
    owner: str
    may: bool


@dataclass(frozen=True)
class Relation(Thing):
    """A table, a view or a sequence.

    :ivar relation: its name alone.
    :ivar partition: months are read and written through their tables alone.
    """

    schema: str
    relation: str
    partition: bool
    result: bool


@dataclass(frozen=True)
class Routine(Thing):
    """A function or a procedure.

    :ivar ours: whether a migration made it.
    """

    schema: str
    ours: bool


def relations(connection: sa.Connection) -> list[Relation]:
    """Return the pipeline's, those of each schema by name."""
    return [Relation(**row._mapping) for row in connection.execute(_RELATIONS, {"schemas": list(SCHEMAS)})]


def routines(connection: sa.Connection) -> list[Routine]:
    """Return all that are in the schemas, whoever made them."""
    found = connection.execute(_ROUTINES, {"schemas": list(SCHEMAS), "routines": list(ROUTINES)})
    return [Routine(**row._mapping) for row in found]


def hand_over(connection: sa.Connection, owner: str, writer: str) -> list[Statement]:
    """Give the owner and the writer what is theirs.

    :returns: what this user may not give, for somebody who may.
    """
    schemas = [Thing(**row._mapping) for row in connection.execute(_SCHEMAS, {"schemas": list(SCHEMAS)})]
    refused = _give(connection, [(schema, owner) for schema in schemas])
    for schema in schemas:
        if schema.name in HOLD_RESULTS and schema.may:
            grant = sql.SQL("grant usage, create on schema {} to {}")
            run(connection, [grant.format(sql.Identifier(schema.name), sql.Identifier(writer))])
    wanted: list[tuple[Thing, str]] = [(each, writer if each.result else owner) for each in relations(connection)]
    for routine in routines(connection):
        if routine.ours:
            wanted.append((routine, owner))
        elif routine.schema in HOLD_RESULTS and routine.owner in {owner, *(schema.owner for schema in schemas)}:
            # Restored, all is the owner's: what the writer made must not run with the owner's rights.
            wanted.append((routine, writer))
    return refused + _give(connection, wanted)


def hand_over_all(connection: sa.Connection, schema: str, role: str) -> None:
    """Give a role everything in a schema."""
    found = connection.execute(_EVERYTHING, {"schema": schema})
    _give(connection, [(Thing(**row._mapping), role) for row in found])


def _give(connection: sa.Connection, wanted: Iterable[tuple[Thing, str]]) -> list[Statement]:
    """Give what this user may; returns the rest."""
    statements: dict[bool, list[Statement]] = {True: [], False: []}
    for thing, role in wanted:
        if thing.owner != role:
            form = sql.SQL(f"alter {thing.object_type} {{}} owner to {{}}")
            statements[thing.may].append(form.format(sql.SQL(thing.name), sql.Identifier(role)))
    run(connection, statements[True])
    return statements[False]
