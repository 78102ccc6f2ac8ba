"""A step that breaks off, at its deadline or by a failure, keeps what it stored, and the next one goes on from there."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from syncing import DAYS, TODAY, open_gaps, record, stops_after, stored, stores, sync_of, tick, time_limited
from upstream import Upstream

from telemetry_pipeline.errors import (
    Cancelled,
    PanAccessUnavailable,
    WarehouseUnavailable,
)
from telemetry_pipeline.warehouse.raw import cursor as sync_cursor
from telemetry_pipeline.warehouse.raw import repairs
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.records import Stored
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition


@pytest.mark.usefixtures("small")
def test_a_step_ends_at_its_deadline_and_the_next_goes_on_from_the_cursor(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    cursors = [0]
    while cursors[-1] < 100:
        with time_limited(stops_after(6)) as options:
            assert sync_of(engine, upstream, **options).run(TODAY, TODAY, includes_today=True) or cursors[-1] > 70
        cursors.append(sync_cursor.read(engine).record_id)
        assert stored(engine) == list(range(1, cursors[-1] + 1))
    assert 0 < cursors[1] < 40
    assert len(cursors) > 4


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("includes_today", [True, False], ids=["with today", "past days"])
def test_a_range_goes_on_where_its_deadline_came(engine: sa.Engine, includes_today: bool) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(100, 160))
    tick(engine, upstream)
    upstream.add(record(one, DAYS[one % 6]) for one in range(1, 70))
    last = TODAY if includes_today else DAYS[-2]
    expected = {one for one in range(1, 70) if DAYS[one % 6] <= last}
    position: RepairPosition | None = None
    steps = 0
    read = 0
    while steps == 0 or position:
        with time_limited(stops_after(5)) as options:
            one = sync_of(engine, upstream, **options)
            position = one.run(DAYS[0], last, includes_today=includes_today, position=position)
        steps += 1
        read += one.outcome.read
        repairs.keep_repair_position(engine, "r", position)
        assert repairs.repair_position(engine, "r") == position
        assert steps < 30
    assert steps > 2
    assert set(stored(engine)) == expected | set(range(100, 160))
    assert read < 2 * len(upstream.records) + 20 * steps
    assert sync_cursor.read(engine).record_id == 159


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("after_commit", [False, True], ids=["before its commit", "after its commit"])
@pytest.mark.parametrize("number", [1, 2, 3, 6])
def test_a_batch_that_fails_keeps_the_cursor_from_going_on(engine: sa.Engine, number: int, after_commit: bool) -> None:
    """A later batch's cursor would say that the failed one is stored."""
    upstream = Upstream(map(record, range(1, 101)))
    cursors = [0]

    def fail_at(one: int, store: Callable[[], Stored], batch: Batch) -> Stored:
        cursors.append(batch.cursor or 0)
        if one == number:
            if after_commit:
                store()
            raise WarehouseUnavailable("the connection is lost")
        return store()

    with stores(fail_at), pytest.raises(WarehouseUnavailable):
        tick(engine, upstream)
    assert len(cursors) == number + 1
    committed = cursors[-1 if after_commit else -2]
    assert sync_cursor.read(engine).record_id == committed
    assert stored(engine) == list(range(1, committed + 1))
    tick(engine, upstream)
    assert stored(engine) == list(range(1, 101))


@pytest.mark.usefixtures("small")
def test_a_batch_is_stored_only_after_the_one_before_it(engine: sa.Engine) -> None:
    at_work: list[int] = []

    def watch(number: int, store: Callable[[], Stored], batch: Batch) -> Stored:
        at_work.append(number)
        assert at_work == [number]
        done = store()
        at_work.remove(number)
        return done

    with stores(watch):
        tick(engine, Upstream(map(record, range(1, 101))))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("number", [1, 2, 4])
def test_a_cancelled_step_commits_nothing_more(engine: sa.Engine, number: int) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    calls = iter(range(1, 100))

    def checkpoint() -> None:
        if next(calls) == number:
            raise Cancelled("the run was ended")

    one = sync_of(engine, upstream, checkpoint=checkpoint)
    batches: list[Batch] = []

    def keep(_place: int, store: Callable[[], Stored], batch: Batch) -> Stored:
        batches.append(batch)
        return store()

    with stores(keep), pytest.raises(Cancelled):
        one.run(TODAY, TODAY, includes_today=True)
    committed = (batches[-1].cursor or 0) if batches else 0
    assert len(batches) == number - 1
    assert stored(engine) == list(range(1, committed + 1))
    assert one.outcome.stored == sync_cursor.read(engine).record_id == committed


def test_an_upstream_that_is_down_is_tried_three_times_and_nothing_moves(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    upstream.down = True
    with pytest.raises(PanAccessUnavailable, match="PanAccess is down"):
        tick(engine, upstream)
    assert len(upstream.listings) == 3
    assert (stored(engine), sync_cursor.read(engine).record_id, open_gaps(engine)) == ([], 0, [])


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("fails_from", [2, 3, 5, 9, 14])
def test_what_was_read_before_the_upstream_went_down_is_kept(engine: sa.Engine, fails_from: int) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    upstream.before = lambda number: setattr(upstream, "down", number >= fails_from)
    one = sync_of(engine, upstream)
    with pytest.raises(PanAccessUnavailable):
        one.run(TODAY, TODAY, includes_today=True)
    cursor = sync_cursor.read(engine).record_id
    assert stored(engine) == list(range(1, cursor + 1))
    assert one.outcome.stored == cursor
    assert open_gaps(engine) == []
    upstream.before = lambda number: None
    upstream.down = False
    tick(engine, upstream)
    assert stored(engine) == list(range(1, 101))


def test_a_step_does_not_last_much_longer_than_its_deadline(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 3001)))
    one = sync_of(engine, upstream, deadline=time.monotonic() - 1)
    assert one.run(TODAY, TODAY, includes_today=True) is not None
    assert one.outcome.read == 1000
