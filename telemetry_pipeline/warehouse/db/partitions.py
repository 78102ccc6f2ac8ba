"""Monthly partitions of the tables that are partitioned by the operator's local date.

Every month of a window has a partition of its own, made long before a row needs it. All other dates, of boxes whose clocks
are wrong, share the default partition. So storing a row never takes a new table, and no date can be without a place.

PostgreSQL attaches a partition beside readers and writers of the table, but not beside those of the default partition, and
whoever comes after a lock that waits, waits too. So what is done here waits a moment, gives up, and is tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial

import psycopg2.errorcodes as codes
import sqlalchemy as sa

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import lock
from telemetry_pipeline.warehouse.db.errors import sqlstate

TABLES = ("records", "views")

_MONTHS_AHEAD = 3
_LOCK_TIMEOUT = "200ms"
_TRIES = 10
_PAUSE_SECONDS = 0.5
# A month of its own that holds as few is worth less than it costs every statement that reads the whole table.
_FEW_ROWS = 10_000
_AT_ONCE = 20

# The tables are the owner's, and the functions do it with the owner's rights.
_MAKE = sa.text("select telemetry.make_month(:table, :month)")
_FOLD = sa.text("select telemetry.fold_month(:table, :month)")
_MONTHS = sa.text(r"""
    select to_date(right(child.relname, 7), 'YYYY_MM')
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = cast(:table as regclass) and child.relname ~ '_\d{4}_\d{2}$'
""")


def keep_months(engine: sa.Engine, first: date) -> list[date]:
    """Give every month from that of *first* to three months from now a partition of its own, with the rows of it that are in
    the default partition; let months beyond that hold few rows share the default partition.

    :returns: the months that have to wait, because somebody holds the tables.
    """
    with engine.connect() as connection:
        last = connection.scalar(sa.select(sa.func.current_date())) or first
    for _ in range(_MONTHS_AHEAD):
        last = _following(last)
    wanted = set(_months_between(first, last))
    waiting: set[date] = set()
    for table in TABLES:
        with engine.connect() as connection:
            present = _months(connection, table)
        beyond = {month for month in present - wanted if _holds_few(engine, table, month)}
        for change, months in ((_create, wanted - present), (_fold, beyond)):
            for some in _portions(sorted(months)):
                # Who is in the way of one is in the way of all.
                if waiting or not _patiently(partial(change, engine, table, some)):
                    waiting.update(some)
    return sorted(waiting)


def _create(engine: sa.Engine, table: str, months: Sequence[date]) -> None:
    """Make some months alone, fill them, and attach them."""
    with _turn(engine, table) as connection:
        present = _months(connection, table)
        for month in (month for month in months if month not in present):
            connection.execute(_MAKE, {"table": table, "month": month})


def _fold(engine: sa.Engine, table: str, months: Sequence[date]) -> None:
    """Move the rows of some months to the default partition."""
    with _turn(engine, table) as connection:
        for month in months:
            connection.execute(_FOLD, {"table": table, "month": month})


@contextmanager
def _turn(engine: sa.Engine, table: str) -> Iterator[sa.Connection]:
    """Provide a transaction in which nobody else writes to a table, and which waits for readers of it only a moment."""
    with engine.begin() as connection:
        lock(connection, f"telemetry.{table}")
        connection.execute(sa.text(f"set local lock_timeout = '{_LOCK_TIMEOUT}'"))
        yield connection


def _patiently(change: Callable[[], None]) -> bool:
    """Try a change until nobody is in its way, a few times; says whether it was done."""
    for number in range(_TRIES):
        if number:
            time.sleep(_PAUSE_SECONDS)
        try:
            change()
        except WarehouseError as err:
            if sqlstate(err) not in (codes.LOCK_NOT_AVAILABLE, codes.DEADLOCK_DETECTED):
                raise
        else:
            return True
    return False


def _holds_few(engine: sa.Engine, table: str, month: date) -> bool:
    statement = sa.text(
        f"select count(*) from (select from telemetry.{table} "
        f"where local_date >= '{month}' and local_date < '{_following(month)}' limit {_FEW_ROWS + 1}) as rows"
    )
    with engine.connect() as connection:
        return bool(connection.scalar(statement) <= _FEW_ROWS)


def _months(connection: sa.Connection, table: str) -> set[date]:
    return set(connection.execute(_MONTHS, {"table": f"telemetry.{table}"}).scalars())


def _months_between(first: date, last: date) -> Iterator[date]:
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = _following(month)


def _following(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def _portions(months: Sequence[date]) -> Iterator[Sequence[date]]:
    return (months[at : at + _AT_ONCE] for at in range(0, len(months), _AT_ONCE))
