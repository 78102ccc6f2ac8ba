"""The rows of results are written where they differ from those that are stored, and nowhere else.

Rows are compared by their place, bit by bit. (1,000 new records over 3,000,000 change 2,289 of 22,079 rows so; if rows that
only move up or down stayed where they are, as they could with gaps between the places, it would be 1,760.)
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import sqlalchemy as sa
from numpy.typing import NDArray
from psycopg import sql

from telemetry_pipeline.analyses.framework.columns import KEYS, Column, SqlType
from telemetry_pipeline.results.catalogue import SCHEMA, Key
from telemetry_pipeline.warehouse.db.connections import driver
from telemetry_pipeline.warehouse.db.copying import copy_out

_ARROW_TYPES: dict[SqlType, pa.DataType] = {
    "bigint": pa.int64(),
    "double precision": pa.float64(),
    "text": pa.string(),
    "date": pa.date32(),
    "boolean": pa.bool_(),
}
_OF_A_RESULT = "period_last = %s and period_first = %s and parameters_key = %s"
_STORED = f"copy (select ordinal, {{columns}} from {{table}} where {_OF_A_RESULT} order by ordinal) to stdout (format csv)"
_DELETE = f"delete from {{table}} where {_OF_A_RESULT}"
_DELETE_SOME = f"{_DELETE} and ordinal = any(%s)"
_INSERT = "copy {table} ({columns}) from stdin (format csv)"
# Who writes rows writes the line of the catalogue, too.
_KEEP_LINES = "select set_config('telemetry.replaces', %s, true)"


def write(
    connection: sa.Connection,
    name: str,
    columns: Sequence[Column],
    frames: Mapping[Key, pd.DataFrame],
    whole: Collection[Key],
) -> None:
    """Make the stored rows of some results those of *frames*, in their order.

    :param name: of the table. :param whole: those whose rows are as they were stored, and are changed by nobody else until the
        transaction ends. Whatever is stored of the others goes.
    """
    table = sql.Identifier(SCHEMA, name)
    names = [sql.Identifier(column.name) for column in columns]
    stored_rows = sql.SQL(_STORED).format(columns=sql.SQL(", ").join(names), table=table)
    every = sql.SQL(", ").join([*map(sql.Identifier, KEYS), *names])
    schema = pa.schema([("ordinal", pa.int64()), *((column.name, _ARROW_TYPES[column.type]) for column in columns)])
    written = []
    with driver(connection) as session:
        session.execute(_KEEP_LINES, [name])
        for key, frame in frames.items():
            rows = _rows(frame, schema)
            if key in whole:
                stored = copy_out(connection, stored_rows, key, schema)
                gone, new = differences(stored, rows)
                if len(gone):
                    ordinals = stored["ordinal"].take(gone).to_pylist()
                    session.execute(sql.SQL(_DELETE_SOME).format(table=table), (*key, ordinals))
                rows = rows.take(new)
            else:
                session.execute(sql.SQL(_DELETE).format(table=table), key)
            written.append(_with_key(rows, key))
        if any(map(len, written)):
            with session.cursor() as cursor, cursor.copy(sql.SQL(_INSERT).format(table=table, columns=every)) as copy:
                copy.write(_as_csv(pa.concat_tables(written)))


def differences(stored: pa.Table, rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return which of the stored rows are not among *rows* at their place, and which of *rows* are not stored at theirs.

    :param stored: with the columns of *rows*, among them ``ordinal``, by which both are in order; any places may be missing.
    """
    places = stored["ordinal"].to_numpy()
    common = np.flatnonzero((places >= 0) & (places < len(rows)))
    there, here = stored.take(common), rows.take(places[common])
    same = np.ones(len(common), dtype=bool)
    for name in rows.column_names:
        same &= _same(there[name].combine_chunks(), here[name].combine_chunks())
    return np.delete(np.arange(len(stored)), common[same]), np.delete(np.arange(len(rows)), places[common[same]])


def _same(some: pa.Array, others: pa.Array) -> NDArray[np.bool_]:
    """Return which values are the same: null is null, and -0.0 is not 0.0."""
    if pa.types.is_floating(some.type):
        some, others = some.view(pa.int64()), others.view(pa.int64())
    equal = pc.or_(pc.fill_null(pc.equal(some, others), False), pc.and_(some.is_null(), others.is_null()))
    return np.asarray(equal.to_numpy(zero_copy_only=False))


def _rows(frame: pd.DataFrame, schema: pa.Schema) -> pa.Table:
    names = schema.names[1:]
    if list(frame.columns) != names:
        raise TypeError(f"the columns are {list(frame.columns)}, and {names} are declared")
    rows = pa.Table.from_pandas(frame, schema.remove(0), preserve_index=False)
    return rows.add_column(0, schema[0], pa.array(range(len(rows)), pa.int64()))


def _with_key(rows: pa.Table, key: Key) -> pa.Table:
    repeated = [pa.repeat(pa.scalar(value), len(rows)) for value in key]
    return pa.table([*repeated, *rows.columns], [*KEYS[:-1], *rows.column_names])


def _as_csv(rows: pa.Table) -> bytes:
    """Return rows as COPY reads them: text in quotes, null without."""
    sink = pa.BufferOutputStream()
    # In one piece: behind an empty first piece Arrow 26 writes bytes that it did not set.
    pyarrow.csv.write_csv(rows.combine_chunks(), sink, pyarrow.csv.WriteOptions(include_header=False))
    return bytes(sink.getvalue())
