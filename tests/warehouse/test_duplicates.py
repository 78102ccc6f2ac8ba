"""Ids that are stored more than once are found, however they came, whatever was looked at before, and until they are mended.

A look reads what was stored since the last one: what it misses then, it would miss for ever.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from warehouse_events import Event, clear, select, stop, store

from telemetry_pipeline.warehouse.db import partitions
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.operations import checks
from telemetry_pipeline.warehouse.operations.checks import RECENT_IDS
from telemetry_pipeline.warehouse.raw import duplicates

LOWEST, HIGHEST = -(2**63), 2**63 - 1
_BY_HAND = sa.text("""
    insert into telemetry.records (record_id, timestamp, local_date) values (:record_id, :timestamp, :local_date)
    on conflict do nothing
""")


def among_newest(engine: sa.Engine) -> int:
    with snapshot(engine) as connection:
        return checks.newest_duplicates(connection)


def among_all(engine: sa.Engine) -> int:
    return duplicates.count(engine)


def write(engine: sa.Engine, event: Event) -> None:
    """As somebody does who probes for no id: a day later, for a table of one day refuses it."""
    with engine.begin() as connection:
        connection.execute(
            _BY_HAND, {"record_id": event.record_id, "timestamp": event.ended_at, "local_date": event.local_date}
        )


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def unchecked(engine: sa.Engine) -> list[tuple[int, int]]:
    query = "select first_record_id, last_record_id from telemetry.unchecked_ids order by 1, 2"
    return [tuple(row) for row in select(engine, query)]


@pytest.mark.parametrize("count", [among_newest, among_all])
def test_ids_that_are_stored_once_are_no_duplicates(engine: sa.Engine, count: Callable[[sa.Engine], int]) -> None:
    assert count(engine) == 0
    store(engine, stop(1), stop(2), stop(3))
    assert count(engine) == 0


@pytest.mark.parametrize("count", [among_newest, among_all])
def test_an_id_that_is_stored_more_than_once_counts_once(engine: sa.Engine, count: Callable[[sa.Engine], int]) -> None:
    store(engine, stop(1), stop(2), stop(3))
    for record_id, days in ((1, 1), (1, 2), (3, 1)):
        write(engine, stop(record_id, hours=24 * days))
    assert count(engine) == 2


@pytest.mark.parametrize(
    ("below_cursor", "expected"),
    [pytest.param(RECENT_IDS - 1, 1, id="among the newest"), pytest.param(RECENT_IDS, 0, id="below the newest")],
)
def test_a_look_at_the_newest_ids_ends_fifty_thousand_below_the_cursor(
    engine: sa.Engine, below_cursor: int, expected: int
) -> None:
    store(engine, stop(7))
    write(engine, stop(7, hours=24))
    execute(engine, f"update telemetry.sync_state set cursor = {7 + below_cursor}")
    assert among_newest(engine) == expected
    assert among_all(engine) == 1


def test_a_duplicate_is_found_until_it_is_mended(engine: sa.Engine) -> None:
    store(engine, stop(1), stop(2))
    write(engine, stop(2, hours=24))
    assert [among_all(engine), among_all(engine)] == [1, 1]
    assert unchecked(engine) == [(2, 2)]
    execute(engine, f"delete from telemetry.records where local_date > '{stop(2).local_date}'")
    assert among_all(engine) == 0
    assert unchecked(engine) == []


def test_of_what_was_looked_at_nothing_is_read_again(engine: sa.Engine) -> None:
    """Else a night would cost what there is, and not what is new."""
    store(engine, stop(1), stop(2))
    assert among_all(engine) == 0
    store(engine, stop(3), stop(4), stop(4_000))
    assert unchecked(engine) == [(3, 4), (4_000, 4_000)]


@pytest.mark.parametrize(
    "written",
    [
        "update telemetry.records set record_id = 1 where record_id = 2",
        "insert into telemetry.records (record_id, timestamp, local_date) values (1, now(), '2025-02-07')",
    ],
    ids=["an id that was changed", "a row that was written"],
)
def test_what_others_write_below_is_found_after_a_look(engine: sa.Engine, written: str) -> None:
    """Earlier versions, which note nothing, and people, who may write any id."""
    store(engine, stop(1), stop(2, hours=24), stop(1_000_000))
    assert among_all(engine) == 0
    execute(engine, written)
    assert among_all(engine) == 1


@pytest.mark.parametrize("record_id", [LOWEST, HIGHEST])
def test_the_lowest_and_the_highest_id_are_looked_at(engine: sa.Engine, record_id: int) -> None:
    assert among_all(engine) == 0
    with engine.begin() as connection:
        duplicates.note(connection, [(record_id, record_id)])
        for hours in (0, 24):
            event = stop(record_id, hours=hours)
            connection.execute(_BY_HAND, {"record_id": record_id, "timestamp": event.ended_at, "local_date": event.local_date})
    assert unchecked(engine) == [(record_id, record_id)]
    assert among_all(engine) == 1


def test_what_is_being_stored_during_a_look_is_for_the_next_one(engine: sa.Engine) -> None:
    store(engine, stop(1))
    assert among_all(engine) == 0
    with engine.begin() as connection:
        duplicates.note(connection, [(5, 5)])
        assert among_all(engine) == 0
    assert unchecked(engine) == [(5, 5)]


def test_what_was_rolled_back_is_not_waited_for(engine: sa.Engine) -> None:
    assert among_all(engine) == 0
    with engine.connect() as connection, connection.begin() as transaction:
        duplicates.note(connection, [(5, 5)])
        transaction.rollback()
    assert unchecked(engine) == []


def test_records_that_only_move_between_partitions_are_not_new(engine: sa.Engine) -> None:
    """A month of few rows is folded into the default partition, and all ids would be read for it."""
    day = stop(1).local_date
    partitions.keep_months(engine, day)
    store(engine, stop(1), stop(2, hours=24 * 60))
    assert among_all(engine) == 0
    partitions.keep_months(engine, day + timedelta(days=80))
    partitions.keep_months(engine, day)
    assert unchecked(engine) == []


IDS = st.integers(1, 6)
OPERATIONS = st.one_of(
    st.tuples(st.just("store"), st.lists(st.tuples(IDS, st.integers(0, 3)), min_size=1, max_size=4)),
    st.tuples(st.just("write"), st.tuples(IDS, st.integers(0, 3))),
    st.tuples(st.just("rename"), st.tuples(IDS, IDS)),
    st.tuples(st.just("delete"), st.tuples(IDS, st.integers(0, 3))),
    st.tuples(st.just("look"), st.none()),
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(st.lists(OPERATIONS, max_size=10))
def test_every_look_finds_what_counting_all_records_would(pooled: sa.Engine, operations: list[tuple[str, object]]) -> None:
    clear(pooled)
    for operation, values in [*operations, ("look", None)]:
        match operation, values:
            case "store", list():
                store(pooled, *(stop(record_id, hours=24 * day) for record_id, day in values))
            case "write", (int(record_id), int(day)):
                write(pooled, stop(record_id, hours=24 * day))
            case "rename", (int(old), int(new)):
                rename(pooled, old, new)
            case "delete", (int(record_id), int(day)):
                date = stop(record_id, hours=24 * day).local_date
                execute(pooled, f"delete from telemetry.records where record_id = {record_id} and local_date = '{date}'")
            case _:
                assert among_all(pooled) == len(counted(pooled))


def rename(engine: sa.Engine, old: int, new: int) -> None:
    """Give a row another id, where its day has none of it."""
    execute(
        engine,
        f"""update telemetry.records set record_id = {new} where record_id = {old} and not exists (
            select from telemetry.records as other where other.record_id = {new} and other.local_date = records.local_date
        )""",
    )


def counted(engine: sa.Engine) -> list[object]:
    return select(engine, "select record_id from telemetry.records group by record_id having count(*) > 1")
