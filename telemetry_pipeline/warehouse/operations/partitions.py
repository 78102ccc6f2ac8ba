"""What the partitions of the large tables hold, for people who ask how the pipeline is doing. Reads only."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from telemetry_pipeline.warehouse.db.partitions import TABLES

_MONTHS = sa.text(r"""
select count(month), min(month), max(month), coalesce(sum(pg_total_relation_size(oid)), 0),
    coalesce(sum(pg_stat_get_live_tuples(oid)) filter (where month is null), 0)
from (
    select child.oid, to_date(substring(child.relname from '_(\d{4}_\d{2})$'), 'YYYY_MM') as month
    from pg_inherits join pg_class as child on child.oid = inhrelid
    where inhparent = to_regclass(:table)
) as partitions
""")


@dataclass(frozen=True)
class Partitioned:
    """A table that is partitioned by month.

    :ivar first: the first day of the first month that has a partition of its own. :ivar last: that of the last one.
    :ivar size_bytes: with its indexes.
    :ivar elsewhere: about how many rows are of other months.
    """

    table: str
    months: int
    first: date | None
    last: date | None
    size_bytes: int
    elsewhere: int


def read_partitions(engine: sa.Engine) -> list[Partitioned]:
    """Return which months each table has that is divided by month, and how large it is.

    :raises WarehouseError: PostgreSQL is unreachable.
    """
    with engine.connect() as connection:
        rows = [(table, connection.execute(_MONTHS, {"table": f"telemetry.{table}"}).one()) for table in TABLES]
    return [Partitioned(table, months, first, last, int(size), int(rest)) for table, (months, first, last, size, rest) in rows]
