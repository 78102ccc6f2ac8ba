"""Monthly partitions: there long before a row needs one, made without anybody waiting, and one for all dates beyond them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta

import pytest
import sqlalchemy as sa
from warehouse.test_upgrade import make_months
from warehouse_events import NOON, ZONE, check, select, start, stop, store

from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db import partitions
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.partitions import keep_months

TODAY = datetime.now(UTC).date()


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partitions, "_PAUSE_SECONDS", 0.01)
    monkeypatch.setattr(partitions, "_TRIES", 3)
    monkeypatch.setattr(partitions, "_LOCK_TIMEOUT", "20ms")


def months(engine: sa.Engine, table: str) -> list[str]:
    found = select(engine, f"select inhrelid::regclass::text from pg_inherits where inhparent = 'telemetry.{table}'::regclass")
    return sorted(name.removeprefix(f"telemetry.{table}_") for (name,) in found)


def put(connection: sa.Connection, record_id: int, day: date) -> None:
    connection.execute(
        sa.text("insert into telemetry.records (record_id, timestamp, local_date) values (:id, :day, :day)"),
        {"id": record_id, "day": day},
    )


def places(engine: sa.Engine) -> list[tuple[int, str]]:
    rows = select(engine, "select record_id, tableoid::regclass::text from telemetry.records order by 1")
    return [(record_id, table.removeprefix("telemetry.records_")) for record_id, table in rows]


@contextmanager
def reader(engine: sa.Engine, table: str = "telemetry.records") -> Iterator[None]:
    """Somebody who reads the whole table for long, as pg_dump does."""
    with engine.connect() as connection:
        connection.execute(sa.text(f"select count(*) from {table}"))
        yield


def test_every_month_of_the_window_and_three_to_come_have_one(engine: sa.Engine) -> None:
    assert keep_months(engine, date(TODAY.year - 1, TODAY.month, 17)) == []
    first = date(TODAY.year - 1, TODAY.month, 1)
    expected = {f"{first + timedelta(days=days):%Y_%m}" for days in range((TODAY - first).days)}
    for table in ("records", "views"):
        found = months(engine, table)
        assert {*expected, "default"} < {*found}
        assert len(found) == 12 + 1 + 3 + 1


def test_doing_it_again_changes_nothing(engine: sa.Engine) -> None:
    keep_months(engine, TODAY)
    before = select(engine, "select oid from pg_class where relnamespace = 'telemetry'::regnamespace order by 1")
    keep_months(engine, TODAY)
    assert select(engine, "select oid from pg_class where relnamespace = 'telemetry'::regnamespace order by 1") == before


def test_a_month_has_the_keys_and_indexes_of_its_table(engine: sa.Engine) -> None:
    """And no constraint beside its bounds that a later version would have to know of."""
    keep_months(engine, TODAY)
    name = f"telemetry.records_{TODAY:%Y_%m}"
    indexes = "select count(*) from pg_index where indrelid = '{}'::regclass"
    assert select(engine, indexes.format(name)) == select(engine, indexes.format("telemetry.records"))
    attached = (
        "select count(*) from pg_inherits where inhrelid in (select indexrelid from pg_index where indrelid = '{}'::regclass)"
    )
    assert select(engine, attached.format(name)) == select(engine, indexes.format(name))
    assert select(engine, f"select conname from pg_constraint where conrelid = '{name}'::regclass and contype = 'c'") == []


@pytest.mark.parametrize("day", [date(2000, 1, 1), date(2024, 2, 29), TODAY, date(2099, 12, 31)])
def test_no_date_is_without_a_place(engine: sa.Engine, day: date) -> None:
    with engine.begin() as connection:
        put(connection, 1, day)
    assert places(engine) == [(1, "default")]


def test_rows_that_were_there_before_their_month_move_to_it(engine: sa.Engine) -> None:
    first = TODAY.replace(day=1)
    with engine.begin() as connection:
        for record_id, day in enumerate([date(2000, 1, 1), first - timedelta(days=1), first, TODAY, date(2099, 12, 31)]):
            put(connection, record_id, day)
    keep_months(engine, TODAY)
    own = f"{TODAY:%Y_%m}"
    assert places(engine) == [(0, "default"), (1, "default"), (2, own), (3, own), (4, "default")]


@pytest.mark.parametrize("table", ["telemetry.records", "telemetry.records_default"])
def test_storing_records_of_a_new_month_waits_for_no_reader(engine: sa.Engine, table: str) -> None:
    """``create table ... partition of`` did, and all who came after it waited, too."""
    impatient = connect(f"{engine.url}&options=-c%20lock_timeout%3D10000")
    with reader(engine, table):
        store(impatient, start(1, "A"), stop(2))
        merge(impatient, ZONE)
        assert select(impatient, "select count(*) from telemetry.records") == [(2,)]
    check(engine, [start(1, "A"), stop(2)])


@pytest.mark.usefixtures("_impatient")
def test_months_that_cannot_be_made_now_are_made_later(engine: sa.Engine) -> None:
    """Nobody waits behind the one who waits, and no row gets lost."""
    with engine.begin() as connection:
        put(connection, 1, TODAY)
    with reader(engine):
        assert TODAY.replace(day=1) in keep_months(engine, TODAY)
        assert places(engine) == [(1, "default")]
    assert keep_months(engine, TODAY) == []
    assert places(engine) == [(1, f"{TODAY:%Y_%m}")]


def test_odd_dates_in_1200_months_are_stored_and_merged(engine: sa.Engine) -> None:
    """With PostgreSQL's own max_locks_per_transaction: a partition each ended in "out of shared memory"."""
    keep_months(engine, TODAY.replace(year=TODAY.year - 3, day=1))
    assert select(engine, "select current_setting('max_locks_per_transaction')") == [("64",)]
    months = [date(2000 + number // 12, number % 12 + 1, 15) for number in range(1_200)]
    store(engine, start(1, "A"), *(stop(2 + number, hours=(day - NOON.date()).days * 24) for number, day in enumerate(months)))
    assert merge(engine, ZONE).inserted == 1_200
    assert merge(engine, ZONE, rebuild=(date(2000, 1, 1), date(2099, 12, 31))).inserted == 1_200


def test_months_beyond_the_window_that_hold_little_become_one(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("drop table telemetry.records_default, telemetry.views_default"))
        odd = [date(year, month, 1) for year in range(2000, 2003) for month in range(1, 13)] + [date(2098, 7, 1)]
        for table in ("records", "views"):
            make_months(connection, table, odd)
            connection.execute(sa.text(f"create table telemetry.{table}_default partition of telemetry.{table} default"))
        for record_id, day in enumerate(odd):
            put(connection, record_id, day)
    assert keep_months(engine, TODAY) == []
    assert {table for _, table in places(engine)} == {"default"}
    assert len(places(engine)) == len(odd)
    assert len(months(engine, "records")) == len(months(engine, "views")) == 1 + 1 + 3


def test_months_beyond_the_window_that_hold_much_stay(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """They were within it when they were filled, years ago."""
    monkeypatch.setattr(partitions, "_FEW_ROWS", 1)
    keep_months(engine, date(2025, 1, 1))
    with engine.begin() as connection:
        put(connection, 1, date(2025, 1, 1))
        put(connection, 2, date(2025, 1, 2))
        put(connection, 3, date(2025, 2, 2))
    keep_months(engine, TODAY)
    assert places(engine) == [(1, "2025_01"), (2, "2025_01"), (3, "default")]
