"""Monthly partitions of the tables that are partitioned by the operator's local date."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import sqlalchemy as sa

_MONTHS = sa.text("""
    select to_date(right(child.relname, 7), 'YYYY_MM')
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = cast(:table as regclass)
""")


def ensure_months(connection: sa.Connection, table: str, days: Iterable[date]) -> None:
    """Create the partitions of ``telemetry.<table>`` that *days* fall into and that are not there yet."""
    missing = {day.replace(day=1) for day in days} - _months(connection, table)
    for first in sorted(missing):
        following = (first + timedelta(days=31)).replace(day=1)
        connection.execute(
            sa.text(
                f"create table telemetry.{table}_{first:%Y_%m} partition of telemetry.{table} "
                f"for values from ('{first}') to ('{following}')"
            )
        )


def copy_months(connection: sa.Connection, source: str, target: str) -> None:
    """Give ``telemetry.<target>`` a partition for every month that ``telemetry.<source>`` has one for."""
    ensure_months(connection, target, _months(connection, source))


def _months(connection: sa.Connection, table: str) -> set[date]:
    return set(connection.execute(_MONTHS, {"table": f"telemetry.{table}"}).scalars())
