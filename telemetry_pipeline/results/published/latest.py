"""Views in the database for who reads it with other tools: ``analysis.latest_<name>``, the newest day's result.

They have the result of the default parameters, whatever else was computed last, and say of which day it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.results.catalogue import SCHEMA, parameters_key
from telemetry_pipeline.results.tables import ResultTable
from telemetry_pipeline.warehouse.db.connections import driver

_PREFIX = "latest_"
_COMMENT = sa.text("select obj_description(to_regclass(:view), 'pg_class')")
_DEFINITION = """
create view {view} as
select newest.period_first, newest.period_last, newest.computed_at, {columns}
from (
    select * from analysis.results
    where asset = {asset} and parameters_key = {key} and (partition_date is not null or period_first = period_last)
    order by period_last desc, computed_at desc limit 1
) as newest
join {table} as result using (period_last, period_first, parameters_key)
order by result.ordinal
"""


def publish(connection: sa.Connection, table: ResultTable, defaults: Mapping[str, Any]) -> None:
    """Make the view of a table that exists as its columns and the default parameters are now, unless it is so.

    The caller's transaction holds the table's lock.
    """
    view = sql.Identifier(SCHEMA, f"{_PREFIX}{table.name}")
    key = parameters_key(defaults)
    comment = f"newest day, default parameters {key}: {', '.join(column.name for column in table.columns)}"
    if connection.scalar(_COMMENT, {"view": f"{SCHEMA}.{_PREFIX}{table.name}"}) == comment:
        return
    with driver(connection) as session:
        session.execute(sql.SQL("drop view if exists {}").format(view))
        session.execute(
            sql.SQL(_DEFINITION).format(
                view=view,
                columns=sql.SQL(", ").join(sql.Identifier("result", column.name) for column in table.columns),
                asset=sql.Literal(table.name),
                key=sql.Literal(key),
                table=sql.Identifier(SCHEMA, table.name),
            )
        )
        session.execute(sql.SQL("comment on view {} is {}").format(view, sql.Literal(comment)))
