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
        return [step["Relation Name"] for step in self.steps if _reads_whole(step)]


def _reads_whole(step: dict[str, Any]) -> bool:
    """Not so where a limit above it ends it, or where only ids or the like that an index finds are read."""
    if step.get("limited"):
        return False
    if step["Node Type"] in ("Index Scan", "Index Only Scan"):
        return "Index Cond" not in step and not step.get("partial")
    return step["Node Type"] == "Seq Scan"


@contextmanager
def plans_of(engine: sa.Engine) -> Iterator[list[Planned]]:
    """Collect the plans of all statements that any engine of this process sends to the database of *engine*."""
    found: list[Planned] = []
    with engine.connect() as connection:
        partial = set(connection.scalars(sa.text("select indexrelid::regclass::text from pg_index where indpred is not null")))
    names = {name.split(".")[-1] for name in partial}

    def explain(cursor: Any, statement: str, parameters: Any) -> None:
        cursor.execute("explain (format json) " + statement, parameters)
        [[told]] = cursor.fetchall()
        plan = json.loads(told) if isinstance(told, str) else told
        found.append(Planned(statement, list(_steps(plan[0]["Plan"], names))))

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


def _steps(step: dict[str, Any], partial: set[str], limited: bool = False) -> Iterator[dict[str, Any]]:
    """All steps below one; a limit ends what gives it rows one by one."""
    kind = step["Node Type"]
    yield {**step, "limited": limited, "partial": step.get("Index Name") in partial}
    for below in step.get("Plans", []):
        ends = kind == "Limit" or (limited and kind in ("Append", "Merge Append", "Nested Loop", "Result", "Subquery Scan"))
        yield from _steps(below, partial, ends and below.get("Parent Relationship") not in ("InitPlan", "SubPlan"))
