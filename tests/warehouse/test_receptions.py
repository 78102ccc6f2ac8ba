"""When a record was received: with its batch, and again when one that was stamped ahead is seen in time."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from raw_records import RECEIVED_AT, batch_of, row, select, store

from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import Rejected


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def stamped(record_id: int, minutes: int, **values: Any) -> tuple[Any, ...]:
    """A record of so many minutes after ``RECEIVED_AT``."""
    return row(record_id, timestamp=(RECEIVED_AT + timedelta(minutes=minutes)).isoformat(), **values)


def receptions(engine: sa.Engine) -> dict[int, int]:
    """How many minutes after ``RECEIVED_AT`` each record was received."""
    found = select(engine, "select record_id, received_at from telemetry.records order by record_id")
    return {record_id: (received_at - RECEIVED_AT) // timedelta(minutes=1) for record_id, received_at in found}


def at(minutes: int) -> dict[str, Any]:
    return {"received_at": RECEIVED_AT + timedelta(minutes=minutes)}


def test_a_record_was_received_when_its_batch_was(engine: sa.Engine) -> None:
    store(engine, batch_of(row(1), row(2), **at(0)))
    store(engine, batch_of(row(2), row(3), **at(5)))
    assert receptions(engine) == {1: 0, 2: 0, 3: 5}


def test_a_batch_that_does_not_say_when_it_was_received_is_received_now(engine: sa.Engine) -> None:
    store(engine, batch_of(row(1)))
    [ago] = select(engine, "select now() - received_at from telemetry.records")
    assert timedelta(0) <= ago < timedelta(minutes=1)


@pytest.mark.parametrize("far", [0, 10_000_000], ids=["neighbours", "ids far apart"])
def test_a_record_that_was_ahead_is_received_again_when_it_is_seen_in_time(engine: sa.Engine, far: int) -> None:
    rows = [stamped(1, -1), stamped(2, 10), stamped(3, 10, local_date="2025-04-01"), stamped(4 + far, 30)]
    store(engine, batch_of(*rows, **at(0)))
    store(engine, batch_of(*rows, **at(9)))
    assert receptions(engine) == {1: 0, 2: 0, 3: 0, 4 + far: 0}
    store(engine, batch_of(*rows, stamped(5 + far, 5), **at(10)))
    assert receptions(engine) == {1: 0, 2: 10, 3: 10, 4 + far: 0, 5 + far: 10}
    store(engine, batch_of(*rows, **at(31)))
    assert receptions(engine) == {1: 0, 2: 10, 3: 10, 4 + far: 31, 5 + far: 10}


def test_a_record_that_was_ahead_and_is_in_no_later_batch_stays_so(engine: sa.Engine) -> None:
    store(engine, batch_of(stamped(1, 0), stamped(2, 10), stamped(3, 0), **at(0)))
    store(engine, batch_of(stamped(1, 0), stamped(3, 0), **at(20)))
    assert receptions(engine) == {1: 0, 2: 0, 3: 0}


def test_a_record_that_is_received_again_waits_for_the_merge(engine: sa.Engine) -> None:
    rows = [stamped(1, 0), stamped(2, 10, local_date="2025-04-01")]
    store(engine, batch_of(*rows, **at(0)))
    execute(engine, "delete from telemetry.pending_merges")
    store(engine, batch_of(*rows, **at(9)))
    assert not records.merge_is_pending(engine)
    store(engine, batch_of(*rows, **at(10)))
    assert select(engine, "select first_record_id, last_record_id, days from telemetry.pending_merges") == [
        (2, 2, [date(2025, 4, 1)])
    ]


def test_the_newest_receipt_is_that_of_the_last_batch_with_something_new_or_seen_again(engine: sa.Engine) -> None:
    def newest() -> Any:
        [found] = select(engine, "select newest_receipt from telemetry.sync_state")
        return found and (found - RECEIVED_AT) // timedelta(minutes=1)

    assert newest() is None
    for minutes, rows, expected in (
        (0, [stamped(1, 0), stamped(2, 10)], 0),
        (5, [stamped(1, 0), stamped(2, 10)], 0),
        (10, [stamped(1, 0), stamped(2, 10)], 10),
        (15, [], 10),
        (20, [stamped(3, 0)], 20),
        (19, [stamped(4, 0)], 20),
    ):
        store(engine, batch_of(*rows, cursor=9, **at(minutes)))
        assert newest() == expected


def test_what_came_in_is_counted_by_the_hour_once(engine: sa.Engine) -> None:
    rejects = [Rejected(None, "{}", "x"), Rejected(None, "[]", "x")]
    store(engine, batch_of(row(1), row(2), rejected=rejects, **at(0)))
    store(engine, batch_of(row(1), row(2), rejected=rejects, **at(1)))
    store(engine, batch_of(row(2), row(3), **at(59)))
    store(engine, batch_of(row(4), rejected=[Rejected(None, "<>", "x")], **at(60)))
    hour = RECEIVED_AT.replace(minute=0, second=0, microsecond=0)
    assert select(engine, "select hour, records, rejected from telemetry.receipts order by hour") == [
        (hour, 3, 2),
        (hour + timedelta(hours=1), 1, 1),
    ]
