"""The rows of results: a table ``analysis.<name>`` for each analysis.

A result belongs to a period and to the parameters it was computed with, and replaces the earlier one of the same.
Tables come into being and grow from the columns that are declared. Which results there are is said in ``catalogue``; what is
computed, and from which periods, in ``computing``.
"""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import pandas as pd
import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.analyses.framework.columns import Column, SqlType, check_names, conform
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.results import catalogue, changes
from telemetry_pipeline.results.catalogue import CATALOGUE, SCHEMA, ResultInfo, parameters_key
from telemetry_pipeline.warehouse.db.connections import driver, lock

_SQLALCHEMY_TYPES: dict[SqlType, type[sa.types.TypeEngine[Any]]] = {
    "bigint": sa.BigInteger,
    "double precision": sa.Double,
    "text": sa.Text,
    "date": sa.Date,
    "boolean": sa.Boolean,
}
_WATCH_ROWS = sa.text("call analysis.watch_rows(cast(:table as regclass))")
_COLUMNS_IN_DATABASE = sa.text("""
    select relname, attname, format_type(atttypid, atttypmod)
    from pg_class join pg_attribute on attrelid = pg_class.oid
    where relnamespace = 'analysis'::regnamespace and relkind in ('r', 'p') and relname = any(:tables)
      and attnum > 0 and not attisdropped
""")
# That of the defaults is what a reader gets who names no parameters. There is one of each day: an index leads around them.
_UNWANTED = sa.text("""
    select asset, unwanted.* from unnest(cast(:assets as text[]), cast(:kept as text[])) as table_of (asset, kept)
    cross join lateral (
        select period_last, period_first, parameters_key from analysis.results
        where results.asset = table_of.asset and parameters_key < kept
          and wanted_at < now() - make_interval(days => :days)
        union all
        select period_last, period_first, parameters_key from analysis.results
        where results.asset = table_of.asset and parameters_key > kept
          and wanted_at < now() - make_interval(days => :days)
    ) as unwanted
""")


@dataclass(frozen=True)
class ResultTable:
    """What is stored under one name: ``analysis.<name>`` with these columns, beside the keys of the result."""

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        check_names(self.name, self.columns)


def table_of(analysis: Analysis) -> ResultTable:
    """Return where the results of an analysis are."""
    return ResultTable(analysis.name, analysis.columns)


@dataclass(frozen=True)
class Result:
    """A result to store.

    :ivar period_first: first day that it was computed from; ``date.min`` for all history.
    :ivar partition_date: the one partition that it is of; None if it is of every day of its period.
    :ivar parameters: all of them, as values that JSON can hold.
    :ivar frame: rows in the order in which they are to be read, as ``columns.conform`` gives them.
    :ivar input_version: of what it was computed from. :ivar code_version: of what computed it.
    :ivar facts: what else is to be said of it, as values that JSON can hold.
    :ivar views_version: of all views, when it was computed. :ivar changed_version: when those that it is of had changed last.
    :ivar rules: by which they counted.
    """

    period_first: date
    period_last: date
    partition_date: date | None
    parameters: Mapping[str, Any]
    frame: pd.DataFrame
    input_version: str = ""
    code_version: str = ""
    compute_seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)
    views_version: int = 0
    changed_version: int = 0
    rules: str = ""


@dataclass(frozen=True)
class StoredResult:
    """A result as it was stored: exactly the declared columns, rows in their order.

    :ivar outdated: whether what it was computed from has changed since.
    """

    info: ResultInfo
    frame: pd.DataFrame
    outdated: bool = False


def replace(connection: sa.Connection, table: ResultTable, results: Iterable[Result]) -> list[ResultInfo]:
    """Store *results* in place of those with the same period and parameters, but those of newer views, and return what the
    catalogue says of the results that are stored then. Rows that are as they were are not written.

    The caller's transaction holds it all: readers see the old results until it commits, then the new ones. Writers of
    the same table take turns from here to the commit; who computed for long may come with what is older.

    :raises WarehouseError: the table in the database has a declared column with another type.
    """
    kept = {(each.period_last, each.period_first, parameters_key(each.parameters)): each for each in results}
    if not kept:
        return []
    lock(connection, f"{SCHEMA}.{table.name}")
    held = catalogue.hold(connection, table.name, kept)
    newer = {key: info for key, info in held.items() if info.views_version > kept[key].views_version}
    kept = {key: result for key, result in kept.items() if key not in newer}
    if not kept:
        return list(newer.values())
    _ensure_table(connection, table)
    changes.write(connection, table.name, table.columns, {key: result.frame for key, result in kept.items()}, held)
    at = connection.scalar(sa.select(sa.func.clock_timestamp()))
    assert at is not None
    infos = [info_of(table.name, result, at) for result in kept.values()]
    catalogue.put(connection, infos)
    return [*infos, *newer.values()]


def info_of(asset: str, result: Result, computed_at: datetime) -> ResultInfo:
    """Return what the catalogue says of a result, or would say if it were stored."""
    return ResultInfo(
        asset=asset,
        partition_date=result.partition_date,
        period_first=result.period_first,
        period_last=result.period_last,
        parameters=dict(result.parameters),
        parameters_key=parameters_key(result.parameters),
        row_count=len(result.frame),
        computed_at=computed_at,
        input_version=result.input_version,
        code_version=result.code_version,
        compute_seconds=result.compute_seconds,
        facts=dict(result.facts),
        views_version=result.views_version,
        changed_version=result.changed_version,
        rules=result.rules,
    )


def damaged(connection: sa.Connection, tables: Iterable[ResultTable]) -> set[str]:
    """Return the names of those of some tables that are not in the database, or lack a column: nothing in them is whole."""
    tables = list(tables)
    found = _columns_in_database(connection, tables)
    return {table.name for table in tables if not {column.name for column in table.columns} <= found[table.name].keys()}


def delete_unwanted(
    connection: sa.Connection, tables: Mapping[str, ResultTable], defaults: Mapping[str, Mapping[str, Any]], days: int
) -> int:
    """Delete the results that nobody wanted for so many days, and return how many; those with the defaults stay.

    :param defaults: name of the analysis to the parameters of who names none.
    """
    # Every key is above the empty one.
    kept = [parameters_key(defaults[name]) if name in defaults else "" for name in tables]
    unwanted = connection.execute(_UNWANTED, {"days": days, "assets": list(tables), "kept": kept}).all()
    there = {name for name, columns in _columns_in_database(connection, tables.values()).items() if columns}
    for asset, period_last, period_first, key in unwanted:
        lock(connection, f"{SCHEMA}.{asset}")
        for stored in (*([_table(tables[asset])] if asset in there else []), CATALOGUE):
            condition = sa.and_(
                stored.c.period_last == period_last,
                stored.c.period_first == period_first,
                stored.c.parameters_key == key,
            )
            if stored is CATALOGUE:
                condition &= CATALOGUE.c.asset == asset
            connection.execute(sa.delete(stored).where(condition))
    return len(unwanted)


def load(connection: sa.Connection, table: ResultTable, info: ResultInfo) -> pd.DataFrame:
    """Return the rows of a stored result in their order; a column that was declared after they were stored is null."""
    names = [column.name for column in table.columns]
    found = _columns_in_database(connection, [table])[table.name]
    present = [name for name in names if name in found]
    rows: list[Any] = []
    if present:
        stored = _table(table)
        rows = [
            tuple(row)
            for row in connection.execute(
                sa.select(*(stored.c[name] for name in present))
                .where(
                    stored.c.period_last == info.period_last,
                    stored.c.period_first == info.period_first,
                    stored.c.parameters_key == info.parameters_key,
                )
                .order_by(stored.c.ordinal)
            )
        ]
    frame = pd.DataFrame(rows, columns=present, dtype=object)
    return conform(frame.reindex(columns=names), table.columns)


@functools.cache
def _table(table: ResultTable) -> sa.Table:
    return sa.Table(
        table.name,
        sa.MetaData(schema=SCHEMA),
        sa.Column("period_last", sa.Date, primary_key=True, comment="last day of the result's period"),
        sa.Column("period_first", sa.Date, primary_key=True, comment="first day; 0001-01-01: all history"),
        sa.Column("parameters_key", sa.Text, primary_key=True, comment="see analysis.results"),
        sa.Column("ordinal", sa.Integer, primary_key=True, autoincrement=False, comment="the row's place, from 0"),
        *(sa.Column(column.name, _SQLALCHEMY_TYPES[column.type], comment=column.explanation) for column in table.columns),
    )


def _columns_in_database(connection: sa.Connection, tables: Iterable[ResultTable]) -> dict[str, dict[str, str]]:
    """Name of the table to those of its columns and their types; no columns where there is no such table."""
    found: dict[str, dict[str, str]] = {table.name: {} for table in tables}
    for table, column, type_ in connection.execute(_COLUMNS_IN_DATABASE, {"tables": list(found)}):
        found[table][column] = type_
    return found


def _ensure_table(connection: sa.Connection, table: ResultTable) -> None:
    """Create the table or the columns that it lacks; columns that are no longer declared stay.

    What the catalogue has of a table that was dropped is forgotten; what it has of one that lacked a column is stale.
    """
    stored = _table(table)
    found = _columns_in_database(connection, [table])[table.name]
    if not found:
        stored.create(connection, checkfirst=False)
        connection.execute(_WATCH_ROWS, {"table": f"{SCHEMA}.{table.name}"})
        connection.execute(sa.delete(CATALOGUE).where(CATALOGUE.c.asset == table.name))
        return
    for column in table.columns:
        if column.name not in found:
            addition = sql.SQL("alter table {} add column {} {}").format(
                sql.Identifier(SCHEMA, table.name), sql.Identifier(column.name), sql.SQL(column.type)
            )
            with driver(connection) as session:
                session.execute(addition)
            connection.execute(sa.schema.SetColumnComment(stored.c[column.name]))
            connection.execute(sa.update(CATALOGUE).where(CATALOGUE.c.asset == table.name).values(input_version=""))
        elif found[column.name] != column.type:
            raise WarehouseError(
                f"{SCHEMA}.{table.name}.{column.name} is {found[column.name]} in the database and {column.type} in the program",
                "alter or drop the table",
            )
