"""Monthly partitions: there before a row needs one, and made once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
import sqlalchemy as sa

from telemetry_pipeline.warehouse.database import lock
from telemetry_pipeline.warehouse.partitions import copy_months, ensure_months


def months(engine: sa.Engine, table: str) -> list[str]:
    with engine.connect() as connection:
        return list(
            connection.scalars(
                sa.text(
                    "select inhrelid::regclass::text from pg_inherits where inhparent = cast(:table as regclass) order by 1"
                ),
                {"table": f"telemetry.{table}"},
            )
        )


def put(connection: sa.Connection, day: date) -> None:
    connection.execute(
        sa.text("insert into telemetry.records (record_id, timestamp, local_date) values (1, now(), :day)"),
        {"day": day},
    )


def test_a_month_is_made_once(engine: sa.Engine) -> None:
    for days in ([date(2025, 1, 31), date(2025, 1, 1), date(2024, 12, 31)], [date(2025, 1, 15)], []):
        with engine.begin() as connection:
            ensure_months(connection, "records", days)
    assert months(engine, "records") == ["telemetry.records_2024_12", "telemetry.records_2025_01"]
    assert months(engine, "views") == []


@pytest.mark.parametrize("year", [2000, 2023, 2024, 2099])
def test_every_day_of_a_year_has_its_partition(engine: sa.Engine, year: int) -> None:
    days = [date(year, 1, 1) + timedelta(days=number) for number in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)]
    with engine.begin() as connection:
        ensure_months(connection, "records", days)
        for day in days:
            put(connection, day)
    assert len(months(engine, "records")) == 12


def test_a_day_without_its_month_is_refused(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        ensure_months(connection, "records", [date(2025, 1, 31)])
    with pytest.raises(sa.exc.IntegrityError, match="no partition"), engine.begin() as connection:
        put(connection, date(2025, 2, 1))


def test_months_are_copied_from_one_table_to_another(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        ensure_months(connection, "records", [date(2025, 1, 1), date(2025, 6, 1)])
        ensure_months(connection, "views", [date(2025, 6, 1), date(2024, 6, 1)])
        copy_months(connection, "records", "views")
    assert months(engine, "views") == ["telemetry.views_2024_06", "telemetry.views_2025_01", "telemetry.views_2025_06"]


def test_writers_that_take_turns_make_a_month_once(engine: sa.Engine) -> None:
    together = threading.Barrier(4)

    def make(number: int) -> None:
        together.wait()
        with engine.begin() as connection:
            lock(connection, "turns")
            ensure_months(connection, "records", [date(2025, 1, 1)])
            ensure_months(connection, "records", [date(2025, 2 + number, 1)])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(make, range(4)))
    assert len(months(engine, "records")) == 5
