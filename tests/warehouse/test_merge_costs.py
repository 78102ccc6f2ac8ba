"""An increment costs what is new and not what is there, by the rows that PostgreSQL reads."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
import sqlalchemy as sa
from terminal import wait_until
from warehouse_events import ZONE, Event, clear, store

from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.partitions import keep_months

_SEED = """
    insert into telemetry.records (record_id, action_id, data_id, data_name, duration_seconds, timestamp, local_date)
    select number * 2, 7 + number % 2, number / 2 % 50, case when number % 2 = 0 then 'name ' || number / 2 % 50 end,
           60, timestamp '2025-01-01' + number * interval '90 days' / :size,
           (timestamp '2025-01-01' + number * interval '90 days' / :size)::date
    from generate_series(1, :size) as number
"""
_READ = """
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables
    where schemaname = 'telemetry' and (relname like 'records%' or relname like 'views%')
"""
_BUSY = """
    select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type in ('client backend', 'parallel worker')
"""


def rows_read(engine: sa.Engine) -> int:
    """How many rows of records and views were read since the beginning, once everybody else has reported."""
    with engine.connect() as connection:
        wait_until(lambda: not refreshed(connection, _BUSY), seconds=60)
        return refreshed(connection, _READ)


def refreshed(connection: sa.Connection, count: str) -> int:
    connection.execute(sa.text("select pg_stat_clear_snapshot()"))
    return int(connection.scalar(sa.text(count)))


def seeded(engine: sa.Engine, size: int) -> int:
    """Merge a history; gives its highest id."""
    keep_months(engine, date(2025, 1, 1))
    with engine.begin() as connection:
        connection.execute(sa.text(_SEED), {"size": size})
        connection.execute(
            sa.text("insert into telemetry.pending_merges (first_record_id, last_record_id, days) values (2, :last, :days)"),
            {"last": 2 * size, "days": [date(2025, 1, 1), date(2025, 4, 1)]},
        )
    assert merge(engine, ZONE).inserted == size // 2
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze telemetry.records, telemetry.views"))
    return 2 * size


INCREMENTS: dict[str, Callable[[int], list[Event]]] = {
    "new records": lambda newest: [
        Event(
            newest + number,
            7 + number % 2,
            number // 2 % 50,
            f"name {number // 2 % 50}" if number % 2 == 0 else None,
            60,
            1_440,
        )
        for number in range(1, 1_001)
    ],
    "late ids": lambda newest: [
        Event(newest - 2 * number + 1, 7 + number % 2, number // 2 % 50, f"name {number // 2 % 50}", 60, 1_400)
        for number in range(1, 1_001)
    ],
    "new names": lambda newest: [
        Event(newest + number, 7 + number % 2, number // 2 % 50, f"another name {number // 2 % 50}", 60, 1_440)
        for number in range(1, 1_001)
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", INCREMENTS)
def test_an_increment_costs_what_is_new_and_not_what_is_there(
    engine: sa.Engine, postgres_url: str, kind: str, database_url: str
) -> None:
    """Counted in rows that PostgreSQL reads of records and views: by time it could not be told from noise."""
    reads = []
    for size in (10_000, 100_000):
        clear(engine)
        newest = seeded(engine, size)
        store(engine, *INCREMENTS[kind](newest))
        before = rows_read(engine)
        assert merge(engine, ZONE).inserted == 500
        reads.append(rows_read(engine) - before)
    small, large = reads
    assert 500 <= small < 10_000
    assert large <= 1.2 * small + 100
