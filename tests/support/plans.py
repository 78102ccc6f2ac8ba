"""The statements that are sent to PostgreSQL, each with its plan at the moment in which it was sent."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import psycopg
import sqlalchemy as sa

_PLANNED = re.compile(r"\s*(select|insert|update|delete|with|create temporary table \w+ on commit drop as)\b")
_COPIED = re.compile(r"\s*copy \((.*)\) to stdout", re.DOTALL)


@dataclass(frozen=True)
class Planned:
    """A statement, and the steps of its plan as PostgreSQL describes them."""

    statement: str
    steps: list[dict[str, Any]]

    @property
    def read_whole(self) -> list[str]:
        """Tables and partitions that it reads from one end to the other, by the table or by an index."""
        return [step["whole"] for step in self.steps if step["whole"]]


@dataclass(frozen=True)
class _Index:
    """The table of an index, the column that it leads with, whether few rows are in it, and how many the table has."""

    table: str
    leads: str
    is_of_few: bool
    rows: float


_MANY = 0.2
# That of starts has a fifth of all records.
_INDEXES = sa.text("""
    select indexrelid::regclass::text, relname, pg_get_indexdef(indexrelid, 1, true),
           coalesce(pg_get_expr(indpred, indrelid) not like '%action_id%', false), reltuples
    from pg_index join pg_class on pg_class.oid = indrelid
""")


def _read_whole(step: dict[str, Any], indexes: dict[str, _Index]) -> str:
    """None where an index leads to some rows, or has few; of what PostgreSQL cannot know it expects a third of the table, and
    sooner or later reads it.
    """
    if step["Node Type"] not in ("Index Scan", "Index Only Scan", "Bitmap Index Scan"):
        return str(step["Relation Name"]) if step["Node Type"] == "Seq Scan" else ""
    index = indexes[step["Index Name"]]
    leads = index.leads in step.get("Index Cond", "") and step["Plan Rows"] < max(_MANY * index.rows, 1)
    return "" if leads or index.is_of_few else index.table


@contextmanager
def plans_of(engine: sa.Engine) -> Iterator[list[Planned]]:
    """Collect the plans of all statements that any engine of this process sends to the database of *engine*."""
    found: list[Planned] = []
    with engine.connect() as connection:
        indexes = {name.split(".")[-1]: _Index(*rest) for name, *rest in connection.execute(_INDEXES)}

    def explain(cursor: Any, statement: str, parameters: Any) -> None:
        cursor.execute("explain (format json) " + statement, parameters)
        [[told]] = cursor.fetchall()
        plan = json.loads(told) if isinstance(told, str) else told
        found.append(Planned(statement, list(_steps(plan[0]["Plan"], indexes))))

    def sent(
        connection: sa.Connection, _cursor: Any, statement: str, parameters: Any, _context: Any, executemany: bool
    ) -> None:
        if connection.engine.url.database == engine.url.database and _PLANNED.match(statement):
            driver = connection.connection.driver_connection
            assert driver is not None
            with driver.cursor() as cursor:
                explain(cursor, statement, parameters[0] if executemany else parameters)

    copy = psycopg.Cursor.copy

    def copied(cursor: psycopg.Cursor[Any], statement: Any, parameters: Any = None, **options: Any) -> Any:
        if isinstance(statement, str) and (match := _COPIED.match(statement)):
            with cursor.connection.cursor() as other:
                explain(other, match[1], parameters)
        return copy(cursor, statement, parameters, **options)

    sa.event.listen(sa.Engine, "before_cursor_execute", sent)
    try:
        with mock.patch.object(psycopg.Cursor, "copy", copied):
            yield found
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", sent)


def _steps(step: dict[str, Any], indexes: dict[str, _Index], *, limited: bool = False) -> Iterator[dict[str, Any]]:
    """All steps of a plan; a limit ends what gives it rows one by one."""
    kind = step["Node Type"]
    yield {**step, "whole": "" if limited else _read_whole(step, indexes)}
    for below in step.get("Plans", []):
        ends = kind == "Limit" or (limited and kind in ("Append", "Merge Append", "Nested Loop", "Result", "Subquery Scan"))
        of_rows = below.get("Parent Relationship") not in ("InitPlan", "SubPlan")
        yield from _steps(below, indexes, limited=ends and of_rows)
