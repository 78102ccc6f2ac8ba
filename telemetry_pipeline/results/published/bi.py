"""The views of the schema ``bi`` that are of analyses: ``bi.<name>``, every result of the default parameters.

Nothing in them names a subscriber or a device: analyses of single subscribers have no view, and of others such columns are left
out. The views that are of no analysis, and the schema, come from a migration.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import psycopg2.errorcodes as codes
import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.results.catalogue import SCHEMA, parameters_key
from telemetry_pipeline.warehouse.db.errors import sqlstate
from telemetry_pipeline.warehouse.roles.ddl import Statement, run

_BI = "bi"
OF_A_RESULT = {
    "period_first": "first day that the row is of; null: all days up to period_last",
    "period_last": "last day that the row is of",
    "computed_at": "when it was computed",
    "is_newest": "whether it is of the newest day",
    "is_outdated": "whether views of its days have changed since it was computed",
    "ordinal": "its place in the result, from 0",
}
"""What a row has beside the analysis's own columns, and what that is."""

_FOUND = sa.text("""
    select obj_description(attrelid, 'pg_class'), attname::text, col_description(attrelid, attnum)
    from pg_attribute where attrelid = to_regclass(:view) and attnum > 0 order by attnum
""")
# Whether it is the newest is asked once a query, and then leads to the rows of that day by their key.
_DEFINITION = """
create view {view} as
select nullif(result.period_first, date '0001-01-01') as period_first, result.period_last, info.computed_at,
       (info.partition_date is not null or info.period_first = info.period_last) and result.period_last = (
           select max(period_last) from analysis.results
           where asset = {asset} and parameters_key = {key} and (partition_date is not null or period_first = period_last)
       ) as is_newest,
       exists (
           select from telemetry.view_days
           where local_date between result.period_first and result.period_last and version > info.views_version
       ) as is_outdated,
       result.ordinal, {columns}
from analysis.results as info join {table} as result using (period_last, period_first, parameters_key)
where info.asset = {asset} and info.parameters_key = {key}
"""


def shown(analysis: Analysis) -> list[Column]:
    """Return the columns of an analysis that its view has; none: it has no view."""
    if analysis.is_of_subscribers or not analysis.runs_unattended:
        return []
    return [column for column in analysis.columns if not column.is_personal]


def publish(connection: sa.Connection, analysis: Analysis) -> None:
    """Make the view of an analysis whose table exists as it is declared now, unless it is so.

    What somebody else's view is made of stays as it was. The caller's transaction holds the table's lock.
    """
    columns = shown(analysis)
    if not columns:
        return
    explained = {**OF_A_RESULT, **{column.name: column.explanation for column in columns}}
    comment = _comment(analysis)
    found = [tuple(row) for row in connection.execute(_FOUND, {"view": f"{_BI}.{analysis.name}"})]
    if found == [(comment, *each) for each in explained.items()]:
        return
    try:
        with connection.begin_nested():
            run(connection, _statements(analysis, columns, comment, explained))
    except WarehouseError as err:
        if sqlstate(err) != codes.DEPENDENT_OBJECTS_STILL_EXIST:
            raise


def _statements(analysis: Analysis, columns: list[Column], comment: str, explained: dict[str, str]) -> Iterator[Statement]:
    view = sql.Identifier(_BI, analysis.name)
    yield sql.SQL("drop view if exists {}").format(view)
    yield sql.SQL(_DEFINITION).format(
        view=view,
        columns=sql.SQL(", ").join(sql.Identifier("result", column.name) for column in columns),
        asset=sql.Literal(analysis.name),
        key=sql.Literal(parameters_key(_defaults(analysis))),
        table=sql.Identifier(SCHEMA, analysis.name),
    )
    yield sql.SQL("comment on view {} is {}").format(view, sql.Literal(comment))
    for name, explanation in explained.items():
        column = sql.Identifier(_BI, analysis.name, name)
        yield sql.SQL("comment on column {} is {}").format(column, sql.Literal(explanation))


def _comment(analysis: Analysis) -> str:
    """Return the question, and the parameters with which it is answered."""
    given = ", ".join(f"{name}={json.dumps(value)}" for name, value in _defaults(analysis).items())
    return f"{analysis.question} ({given})" if given else analysis.question


def _defaults(analysis: Analysis) -> dict[str, object]:
    return analysis.parse({}).model_dump(mode="json")
