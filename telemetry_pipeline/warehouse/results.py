"""Results of analyses: a table ``analysis.<name>`` for each, and the catalogue ``analysis.results`` of what is stored.

A result belongs to a period and to the parameters it was computed with, and replaces the earlier one of the same.
Tables come into being and grow from the columns that are declared. The catalogue tells a result without rows from one
that was never computed, and names none whose rows somebody took away: triggers of its table have it forget those whose
rows are deleted or changed, and what is of a table that was dropped does not count. What is computed, and from which
periods, is none of this module's business.
"""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects.postgresql import JSONB, insert

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.columns import Column, SqlType, check_identifier, conform
from telemetry_pipeline.warehouse.database import lock

SCHEMA = "analysis"

_CATALOGUE = sa.Table(
    "results",
    sa.MetaData(schema=SCHEMA),
    sa.Column("asset", sa.Text, primary_key=True),
    sa.Column("partition_date", sa.Date),
    sa.Column("period_first", sa.Date, primary_key=True),
    sa.Column("period_last", sa.Date, primary_key=True),
    sa.Column("parameters", JSONB, nullable=False),
    sa.Column("parameters_key", sa.Text, primary_key=True),
    sa.Column("row_count", sa.BigInteger, nullable=False),
    sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("input_version", sa.Text, nullable=False),
    sa.Column("code_version", sa.Text, nullable=False),
    sa.Column("compute_seconds", sa.Double, nullable=False),
    sa.Column("facts", JSONB, nullable=False),
    sa.Column("chart", sa.Text),
    sa.Column("wanted_at", sa.DateTime(timezone=True), nullable=False),
    sa.Column("views_version", sa.BigInteger, nullable=False),
    sa.Column("changed_version", sa.BigInteger, nullable=False),
    sa.Column("rules", sa.Text, nullable=False),
)
_INFO = [column for column in _CATALOGUE.c if column.name != "wanted_at"]
_INSERT = insert(_CATALOGUE)
_UPSERT = _INSERT.on_conflict_do_update(
    index_elements=list(_CATALOGUE.primary_key),
    set_={column.name: column for column in _INSERT.excluded if not _CATALOGUE.c[column.name].primary_key},
)
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
_STALE = sa.text("""
    select wanted.asset, period.last, results.computed_at
    from unnest(cast(:assets as text[]), cast(:keys as text[])) as wanted (asset, parameters_key)
    cross join unnest(cast(:firsts as date[]), cast(:lasts as date[]), cast(:versions as text[])) as period (first, last, now)
    left join analysis.results on (results.asset, results.parameters_key, results.period_first, results.period_last)
        = (wanted.asset, wanted.parameters_key, period.first, period.last)
        and results.asset = any(:assets)  -- or PostgreSQL reads the whole catalogue for one analysis
    where wanted.asset = any(:damaged)
       or (results.input_version, results.code_version) is distinct from (period.now, :code_version)
""")
_DAYS = sa.text("""
    select distinct period_last
    from unnest(cast(:assets as text[]), cast(:keys as text[])) as wanted (asset, parameters_key)
    join analysis.results using (asset, parameters_key)
    where period_last between :first and :last and (partition_date is not null or period_first = period_last)
""")
# That of the defaults is what a reader gets who names no parameters.
_UNWANTED = sa.text("""
    select asset, period_last, period_first, parameters_key from analysis.results
    where wanted_at < now() - make_interval(days => :days)
      and asset = any(:assets) and not asset || ' ' || parameters_key = any(:kept)
""")
_ARROW_TYPES: dict[SqlType, pa.DataType] = {
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
_KEYS = ("period_last", "period_first", "parameters_key", "ordinal")


@dataclass(frozen=True)
class ResultTable:
    """What is stored under one name: ``analysis.<name>`` with these columns, beside the keys of the result."""

    name: str
    columns: tuple[Column, ...]

    def __post_init__(self) -> None:
        check_identifier(self.name)
        if self.name == _CATALOGUE.name:
            raise TypeError(f"{self.name!r} is the name of the catalogue")
        names = [column.name for column in self.columns]
        if not names or len({*names, *_KEYS}) != len(names) + len(_KEYS):
            raise TypeError(f"the columns of {self.name} must have different names, none of them of {', '.join(_KEYS)}")


@dataclass(frozen=True)
class Result:
    """A result to store.

    :ivar period_first: first day that it was computed from; ``date.min`` for all history.
    :ivar partition_date: the one partition that it is of; None if it is of every day of its period.
    :ivar parameters: all of them, as values that JSON can hold.
    :ivar frame: rows in the order in which they are to be read, as ``columns.conform`` gives them.
    :ivar input_version: of what it was computed from. :ivar code_version: of what computed it.
    :ivar facts: what else is to be said of it, as values that JSON can hold.
    :ivar chart: how it looks, as SVG.
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
    chart: str | None = None
    views_version: int = 0
    changed_version: int = 0
    rules: str = ""


@dataclass(frozen=True)
class ResultInfo:
    """What the catalogue says of a stored result; the names are those of :class:`Result`.

    :ivar computed_at: when it was stored.
    """

    asset: str
    partition_date: date | None
    period_first: date
    period_last: date
    parameters: Mapping[str, Any]
    parameters_key: str
    row_count: int
    computed_at: datetime
    input_version: str
    code_version: str
    compute_seconds: float
    facts: Mapping[str, Any]
    chart: str | None
    views_version: int
    changed_version: int
    rules: str


@dataclass(frozen=True)
class StoredResult:
    """A result as it was stored: exactly the declared columns, rows in their order.

    :ivar outdated: whether what it was computed from has changed since.
    """

    info: ResultInfo
    frame: pd.DataFrame
    outdated: bool = False


def parameters_key(parameters: Mapping[str, Any]) -> str:
    """Twelve hexadecimal digits that are the same for the same parameters, in whatever order, on every machine."""
    canonical = json.dumps(parameters, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:12]


def replace(connection: sa.Connection, table: ResultTable, results: Iterable[Result]) -> list[ResultInfo]:
    """Store *results* in place of those with the same period and parameters, but those of newer views, and return what the
    catalogue says of the results that are stored then.

    The caller's transaction holds it all: readers see the old results until it commits, then the new ones. Writers of
    the same table take turns from here to the commit; who computed for long may come with what is older.

    :raises WarehouseError: the table in the database has a declared column with another type.
    """
    kept = {(each.period_last, each.period_first, parameters_key(each.parameters)): each for each in results}
    if not kept:
        return []
    lock(connection, f"{SCHEMA}.{table.name}")
    newer = _newer(connection, table, kept)
    kept = {key: result for key, result in kept.items() if key not in newer}
    if not kept:
        return list(newer.values())
    _ensure_table(connection, table)
    stored = _table(table)
    identity = sa.tuple_(stored.c.period_last, stored.c.period_first, stored.c.parameters_key)
    connection.execute(sa.delete(stored).where(identity.in_(list(kept))))
    copied = sql.SQL("copy {} ({}) from stdin (format csv)").format(
        sql.Identifier(SCHEMA, table.name),
        sql.SQL(", ").join(sql.Identifier(name) for name in (*_KEYS, *(column.name for column in table.columns))),
    )
    with _driver_connection(connection).cursor() as cursor, cursor.copy(copied) as copy:
        copy.write(_as_csv(table, kept))
    at = connection.scalar(sa.select(sa.func.clock_timestamp()))
    assert at is not None
    infos = [
        ResultInfo(
            asset=table.name,
            partition_date=result.partition_date,
            period_first=result.period_first,
            period_last=result.period_last,
            parameters=dict(result.parameters),
            parameters_key=key,
            row_count=len(result.frame),
            computed_at=at,
            input_version=result.input_version,
            code_version=result.code_version,
            compute_seconds=result.compute_seconds,
            facts=dict(result.facts),
            chart=result.chart,
            views_version=result.views_version,
            changed_version=result.changed_version,
            rules=result.rules,
        )
        for (_, _, key), result in kept.items()
    ]
    connection.execute(_UPSERT, [{**vars(info), "wanted_at": at} for info in infos])
    return [*infos, *newer.values()]


def _newer(
    connection: sa.Connection, table: ResultTable, results: Mapping[tuple[date, date, str], Result]
) -> dict[tuple[date, date, str], ResultInfo]:
    """What is stored of the same periods and parameters as some results, and is of newer views than they."""
    columns = _CATALOGUE.c
    identity = sa.tuple_(columns.period_last, columns.period_first, columns.parameters_key)
    choice = sa.select(*_INFO).where(_of(table), identity.in_(list(results)))
    found = [ResultInfo(**row._mapping) for row in connection.execute(choice)]
    by_key = {(info.period_last, info.period_first, info.parameters_key): info for info in found}
    return {key: info for key, info in by_key.items() if info.views_version > results[key].views_version}


def find(
    connection: sa.Connection, table: ResultTable, parameters: Mapping[str, Any], first_end: date, last_end: date
) -> dict[tuple[date, date], ResultInfo]:
    """What is stored that was computed with exactly these parameters, by the first and the last day of its period.

    :param first_end: only periods that end from this day on, to *last_end*.
    """
    choice = sa.select(*_INFO).where(
        _of(table),
        _CATALOGUE.c.parameters_key == parameters_key(parameters),
        _CATALOGUE.c.period_last.between(first_end, last_end),
    )
    return {(row.period_first, row.period_last): ResultInfo(**row._mapping) for row in connection.execute(choice)}


@dataclass(frozen=True)
class Wanted:
    """Results that there are to be: of each of some analyses, one of each of some periods.

    :ivar parameters: name of the analysis to its parameters.
    :ivar versions: first and last day of a period to the version of what is there now to compute it from.
    """

    parameters: Mapping[str, Mapping[str, Any]]
    versions: Mapping[tuple[date, date], str]


def stale(
    connection: sa.Connection, wanted: Wanted, code_version: str, damaged: Collection[str]
) -> list[tuple[str, date, datetime | None]]:
    """Those of the wanted results that are of other views or code, or are not there: the analysis, the last day of the period,
    and when it was computed, if it was.

    :param damaged: names of tables, see :func:`damaged_tables`.
    """
    periods = list(wanted.versions)
    values = {
        **_named(wanted.parameters),
        "firsts": [first for first, _ in periods],
        "lasts": [last for _, last in periods],
        "versions": list(wanted.versions.values()),
        "code_version": code_version,
        "damaged": list(damaged),
    }
    return [(row.asset, row.last, row.computed_at) for row in connection.execute(_STALE, values)]


def stored_days(connection: sa.Connection, parameters: Mapping[str, Mapping[str, Any]], first: date, last: date) -> set[date]:
    """The days from *first* to *last* of which the catalogue has a result of any of some analyses with exactly some parameters.

    :param parameters: name of the analysis to its parameters.
    """
    return set(connection.scalars(_DAYS, {**_named(parameters), "first": first, "last": last}))


def damaged_tables(connection: sa.Connection, tables: Iterable[ResultTable]) -> set[str]:
    """The names of those of some tables that are not in the database, or lack a column: nothing in them is whole."""
    tables = list(tables)
    found = _columns_in_database(connection, tables)
    return {table.name for table in tables if not {column.name for column in table.columns} <= found[table.name].keys()}


def want(connection: sa.Connection, results: Iterable[ResultInfo]) -> None:
    """Note that somebody wants these results, which keeps them from being deleted."""
    keys = [(info.asset, info.period_last, info.period_first, info.parameters_key) for info in results]
    primary = _CATALOGUE.c
    identity = sa.tuple_(primary.asset, primary.period_last, primary.period_first, primary.parameters_key)
    if keys:
        connection.execute(sa.update(_CATALOGUE).where(identity.in_(keys)).values(wanted_at=sa.func.clock_timestamp()))


def delete_unwanted(
    connection: sa.Connection, tables: Mapping[str, ResultTable], defaults: Mapping[str, Mapping[str, Any]], days: int
) -> int:
    """Delete the results that nobody wanted for so many days, and return how many; those with the defaults stay.

    :param defaults: name of the analysis to the parameters of who names none.
    """
    kept = [f"{name} {parameters_key(parameters)}" for name, parameters in defaults.items()]
    unwanted = connection.execute(_UNWANTED, {"days": days, "assets": list(tables), "kept": kept}).all()
    there = {name for name, columns in _columns_in_database(connection, tables.values()).items() if columns}
    for asset, period_last, period_first, key in unwanted:
        lock(connection, f"{SCHEMA}.{asset}")
        for stored in (*([_table(tables[asset])] if asset in there else []), _CATALOGUE):
            condition = sa.and_(
                stored.c.period_last == period_last,
                stored.c.period_first == period_first,
                stored.c.parameters_key == key,
            )
            if stored is _CATALOGUE:
                condition &= _CATALOGUE.c.asset == asset
            connection.execute(sa.delete(stored).where(condition))
    return len(unwanted)


def newest(
    connection: sa.Connection, table: ResultTable, parameters: Mapping[str, Any], partition: date | None = None
) -> ResultInfo | None:
    """The result with exactly these parameters of *partition*, or of exactly that day; without one, that of the newest day.

    A result of a longer period is an answer to no question for a day: it is given only where nothing is stored for a single
    day and none was asked for. None if nothing was stored yet.
    """
    columns = _CATALOGUE.c
    of_a_day = sa.or_(columns.partition_date.is_not(None), columns.period_first == columns.period_last)
    choice = sa.select(*_INFO).where(_of(table), columns.parameters_key == parameters_key(parameters))
    if partition is not None:
        choice = choice.where(of_a_day, columns.period_last == partition)
    order = (of_a_day.desc(), columns.period_last.desc(), columns.computed_at.desc(), columns.period_first)
    row = connection.execute(choice.order_by(*order).limit(1)).one_or_none()
    return None if row is None else ResultInfo(**row._mapping)


def stored_periods(connection: sa.Connection, table: ResultTable) -> list[tuple[date, date, Mapping[str, Any]]]:
    """First day, last day and parameters of every result that is stored, the newest first."""
    columns = _CATALOGUE.c
    choice = sa.select(columns.period_first, columns.period_last, columns.parameters).where(_of(table))
    order = (columns.period_last.desc(), columns.computed_at.desc(), columns.period_first)
    return [(row[0], row[1], row[2]) for row in connection.execute(choice.order_by(*order))]


def load(connection: sa.Connection, table: ResultTable, info: ResultInfo) -> pd.DataFrame:
    """The rows of a stored result in their order; a column that was declared after they were stored is null."""
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


def _of(table: ResultTable) -> sa.ColumnElement[bool]:
    """Whether a line of the catalogue is of a table that is there."""
    there = sa.func.to_regclass(f"{SCHEMA}.{table.name}").is_not(None)
    return sa.and_(_CATALOGUE.c.asset == table.name, there)


def _named(parameters: Mapping[str, Mapping[str, Any]]) -> dict[str, list[str]]:
    return {"assets": list(parameters), "keys": [parameters_key(values) for values in parameters.values()]}


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
        connection.execute(sa.delete(_CATALOGUE).where(_CATALOGUE.c.asset == table.name))
        return
    for column in table.columns:
        if column.name not in found:
            addition = sql.SQL("alter table {} add column {} {}").format(
                sql.Identifier(SCHEMA, table.name), sql.Identifier(column.name), sql.SQL(column.type)
            )
            _driver_connection(connection).execute(addition)
            connection.execute(sa.schema.SetColumnComment(stored.c[column.name]))
            connection.execute(sa.update(_CATALOGUE).where(_CATALOGUE.c.asset == table.name).values(input_version=""))
        elif found[column.name] != column.type:
            raise WarehouseError(
                f"{SCHEMA}.{table.name}.{column.name} is {found[column.name]} in the database and {column.type} in the "
                f"program; alter or drop the table"
            )


def _driver_connection(connection: sa.Connection) -> psycopg.Connection[Any]:
    return cast("psycopg.Connection[Any]", connection.connection.driver_connection)


def _as_csv(table: ResultTable, kept: Mapping[tuple[date, date, str], Result]) -> bytes:
    """The rows with their keys as COPY reads them: text in quotes, null without."""
    schema = pa.schema([(column.name, _ARROW_TYPES[column.type]) for column in table.columns])
    tables = []
    for key, result in kept.items():
        if list(result.frame.columns) != schema.names:
            raise TypeError(f"the columns are {list(result.frame.columns)}, and {schema.names} are declared")
        rows = pa.Table.from_pandas(result.frame, schema, preserve_index=False)
        ordinals = pa.array(range(rows.num_rows), pa.int64())
        keys = [pa.repeat(pa.scalar(value), rows.num_rows) for value in key]
        tables.append(pa.table([*keys, ordinals, *rows.columns], [*_KEYS, *schema.names]))
    sink = pa.BufferOutputStream()
    # In one piece: behind an empty first piece Arrow 26 writes bytes that it did not set.
    pyarrow.csv.write_csv(pa.concat_tables(tables).combine_chunks(), sink, pyarrow.csv.WriteOptions(include_header=False))
    return bytes(sink.getvalue())
