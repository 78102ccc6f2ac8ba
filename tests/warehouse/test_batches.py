"""A batch is stored with its cursor or not at all, and what it leaves open is on record: gaps, and where a repair stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import sqlalchemy as sa
from raw_records import RECEIVED_AT, batch_of, row, select, store

from telemetry_pipeline.errors import StatementFailed
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw import gaps, records, repairs
from telemetry_pipeline.warehouse.raw.batch import Batch, Rejected
from telemetry_pipeline.warehouse.raw.claims import claim
from telemetry_pipeline.warehouse.raw.gaps import Gap
from telemetry_pipeline.warehouse.raw.records import Stored
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition


def test_a_batch_is_stored_with_its_cursor_or_not_at_all(engine: sa.Engine) -> None:
    store(engine, batch_of(row(1), cursor=5))
    broken = batch_of(row(2), row(3, timestamp="never"), rejected=[Rejected(4, "{}", "x")], gaps=[Gap(6, 7, "x")], cursor=9)
    with pytest.raises(StatementFailed):
        store(engine, broken)
    assert cursors.read(engine).record_id == 5
    assert select(engine, "select record_id from telemetry.records") == [1]
    for table in ("rejected_records", "sync_gaps"):
        assert select(engine, f"select count(*) from telemetry.{table}") == [0]
    assert len(select(engine, "select 1 from telemetry.pending_merges")) == 1


def test_a_batch_is_one_transaction(engine: sa.Engine) -> None:
    commits: list[object] = []
    with records.writing(engine) as connection:
        sa.event.listen(connection.engine, "commit", commits.append)
        records.store(connection, batch_of(row(1), rejected=[Rejected(4, "{}", "x")], gaps=[Gap(6, 7, "x")], cursor=9))
    assert len(commits) == 1


def test_a_connection_can_go_on_after_a_batch_that_failed(engine: sa.Engine) -> None:
    with records.writing(engine) as connection:
        with pytest.raises(StatementFailed):
            records.store(connection, batch_of(row(1, timestamp="never")))
        assert records.store(connection, batch_of(row(1))).records == 1


def test_the_cursor_only_grows(engine: sa.Engine) -> None:
    for cursor, expected in ((10, 10), (7, 10), (None, 10), (11, 11)):
        store(engine, Batch(cursor=cursor))
        assert cursors.read(engine).record_id == expected


def test_an_empty_batch_is_no_error(engine: sa.Engine) -> None:
    batch = Batch()
    batch.add([])
    assert store(engine, batch) == Stored()
    assert not records.merge_is_pending(engine)


def test_an_open_gap_is_on_record_once_and_may_come_again_when_it_was_resolved(engine: sa.Engine) -> None:
    gap = Gap(5, 5, "HTTP 500", "raw")
    store(engine, Batch(gaps=[gap]))
    store(engine, Batch(gaps=[Gap(5, 5, "another reason"), Gap(5, 9, "wide")]))
    assert gaps.open_gaps(engine, 4) == [Gap(5, 5, "HTTP 500"), Gap(5, 9, "wide")]
    assert gaps.open_gaps(engine, 5) == [Gap(5, 9, "wide")]
    gaps.gap_tried(engine, gap, resolved=True)
    assert gaps.open_gaps(engine, 0) == [Gap(5, 9, "wide")]
    store(engine, Batch(gaps=[gap]))
    assert len(gaps.open_gaps(engine, 0)) == 2


def test_gaps_that_waited_longest_are_due_first_and_never_wait_longer_than_a_day(engine: sa.Engine) -> None:
    store(engine, Batch(gaps=[Gap(number, number, "x") for number in range(1, 4)]))
    assert gaps.gaps_due(engine, 5) == []
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "update telemetry.sync_gaps set attempts = 1000, "
                "tried_at = now() - interval '1 day' + interval '1 minute' * (first_record_id - 3)"
            )
        )
    assert [gap.first_record_id for gap in gaps.gaps_due(engine, 5)] == [1, 2, 3]
    assert [gap.first_record_id for gap in gaps.gaps_due(engine, 1)] == [1]


def test_the_position_of_a_repair_is_kept_until_it_is_done(engine: sa.Engine) -> None:
    assert repairs.repair_position(engine, "r") is None
    begun = RepairPosition(date(2025, 1, 1), 5, 9, RECEIVED_AT)
    for position in (begun, replace(begun, day=date(2025, 1, 2), after_id=0), None):
        repairs.keep_repair_position(engine, "r", position)
        repairs.keep_repair_position(engine, "other", RepairPosition(date(2025, 5, 5), 1, 1, RECEIVED_AT))
        assert repairs.repair_position(engine, "r") == position


def gap_days(engine: sa.Engine) -> list[Any]:
    return select(engine, "select first_date, last_date from telemetry.sync_gaps order by gap_id")


def of_days(first_id: int, *days: int) -> list[tuple[Any, ...]]:
    return [row(first_id + number, local_date=f"2025-03-{day:02}") for number, day in enumerate(days)]


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        pytest.param([4, 4, 4], [4, 4], (4, 4), id="the same day"),
        pytest.param([4, 4], [6, 6], (4, 6), id="a gap of days"),
        pytest.param([1, 4, 4, 4], [5, 2, 5, 5], (4, 5), id="among old records that came late"),
        pytest.param([4], [], (4, 9), id="nothing above"),
        pytest.param([], [4, 4], (4, 4), id="nothing below"),
        pytest.param([], [], (9, 9), id="nothing at all"),
        pytest.param([9] * 30 + [4] * 20, [4] * 20 + [9] * 30, (4, 4), id="not beyond twenty"),
        pytest.param([6], [4], (4, 6), id="the other way round"),
    ],
)
def test_a_gap_is_of_the_days_of_its_neighbours(
    engine: sa.Engine, below: list[int], above: list[int], expected: tuple[int, int]
) -> None:
    with engine.begin() as connection:
        claim(connection, {"operator_timezone": "America/Mexico_City"})
    rows = [*of_days(100, *below), *of_days(500, *above)]
    midnight = datetime(2025, 3, 10, 5, 59, tzinfo=UTC)
    store(engine, batch_of(*rows, gaps=[Gap(200, 210, "x")], received_at=midnight))
    assert gap_days(engine) == [tuple(date(2025, 3, day) for day in expected)]


def test_a_gap_of_a_repair_is_of_the_days_that_were_read(engine: sa.Engine) -> None:
    store(engine, batch_of(*of_days(100, 4, 4), gaps=[Gap(101, 210, "x", day=date(2025, 3, 1))]))
    assert gap_days(engine) == [(date(2025, 3, 1), date(2025, 3, 1))]
    store(engine, Batch(gaps=[Gap(101, 210, "x", day=date(2025, 3, 2))]))
    assert gap_days(engine) == [(date(2025, 3, 1), date(2025, 3, 2))]
