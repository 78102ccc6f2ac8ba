"""What a sync finds out of an upstream before it reads: what is no doubt of it, what is, and what nobody would be told of."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import date

import pytest
import sqlalchemy as sa
from syncing import DAYS, LARGEST, TODAY, foreign, keep, open_gaps, record, rows, stored, sync_of, tick, told
from upstream import Upstream

from telemetry_pipeline.errors import AnotherUpstream, PanAccessUnavailable
from telemetry_pipeline.ingestion.edge import LiveEdge
from telemetry_pipeline.sources.panaccess.slices import Delivery, Missing, Slice
from telemetry_pipeline.warehouse.operations import adoption
from telemetry_pipeline.warehouse.raw import cursor, records, repairs
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.gaps import Gap
from telemetry_pipeline.warehouse.raw.records import Stored
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition

MADE_WITH = {"panaccess_timezone": "UTC", "operator_timezone": "America/Mexico_City"}
SMALL = pytest.mark.usefixtures("small")


def complete_days(engine: sa.Engine) -> list[date]:
    return rows(engine, "select local_date from telemetry.complete_days order by 1")


@SMALL
def test_a_tick_that_is_always_late_comes_further_all_the_same(engine: sa.Engine) -> None:
    """It stopped among known ids, where each one begins, and never came further."""
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add(map(record, range(101, 151)))
    reached = [100]
    while reached[-1] < 150:
        tick(engine, upstream, deadline=time.monotonic())
        reached.append(cursors.read(engine).record_id)
        assert reached[-1] > reached[-2]
    assert stored(engine) == [*range(1, 151)]


@pytest.mark.parametrize("begins_at", [500_001, 301, 900_000])
def test_a_history_under_other_ids_is_refused(engine: sa.Engine, begins_at: int) -> None:
    """It was stored a second time: only ids that overlap were taken for a sign."""
    history = [record(one, DAYS[one // 51]) for one in range(1, 301)]
    upstream = Upstream(history)
    tick(engine, upstream)
    upstream.records = {}
    upstream.add({**one, "recordId": begins_at + number} for number, one in enumerate(history))
    upstream.add([record(begins_at + 300)])
    with pytest.raises(AnotherUpstream):
        tick(engine, upstream)
    assert (stored(engine), told(engine)) == ([*range(1, 301)], ["upstream:another"])


def test_a_history_of_which_all_that_is_stored_was_deleted_is_no_other(engine: sa.Engine) -> None:
    """Nobody synchronised for longer than the upstream keeps records, or answered what a jump is."""
    upstream = Upstream(map(record, range(1, 301), [DAYS[0]] * 300))
    tick(engine, upstream)
    upstream.add(record(10**12 + one, DAYS[3]) for one in range(40))
    tick(engine, upstream)
    assert told(engine) == ["upstream:jump"]
    for one in range(1, 301):
        del upstream.records[one]
    tick(engine, upstream)
    assert told(engine) == ["upstream:jump"]


def test_ids_that_were_given_anew_are_told_although_newer_ones_are_there(engine: sa.Engine) -> None:
    """A backup was restored, and what came since goes beyond the cursor."""
    upstream = Upstream(map(record, range(1, 1_001)))
    tick(engine, upstream)
    upstream.add(foreign(range(801, 1_051)))
    tick(engine, upstream)
    assert told(engine) == ["upstream:anew"]
    upstream.add(foreign(range(1_051, 1_400)))
    for _ in range(2):
        tick(engine, upstream)
    assert told(engine) == ["upstream:anew"], "a person ends it"


@SMALL
def test_an_id_that_no_bigint_holds_and_a_page_that_fails_stop_nothing(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 31)))
    tick(engine, upstream)
    upstream.add([record(10**30), *map(record, range(31, 61))])
    upstream.poisoned = {41: "error"}
    tick(engine, upstream)
    assert stored(engine) == [one for one in range(1, 61) if one != 41]
    assert open_gaps(engine) == [(41, 41)]


def test_a_gap_that_is_wider_than_ids_jump_takes_the_cursor_nowhere() -> None:
    """In it are ids that are not there yet."""
    for last, expected in ((10_000 + 2**50, 10_000), (10_500, 10_500)):
        edge = LiveEdge(10_000, 1_000_000)
        missing = Missing(10_001, last, PanAccessUnavailable("no"))
        edge.take(Delivery(Slice(10_000, last), last, missing=missing))
        assert edge.reached == expected


@pytest.mark.parametrize("change", [{"same": True}, {"begins_at": 10_000}])
def test_what_was_to_be_read_of_the_upstream_before_is_not_read_of_this_one(engine: sa.Engine, change: dict[str, int]) -> None:
    tick(engine, Upstream(map(record, range(1, 301))))
    keep(engine, Batch(gaps=[Gap(150, 160, "no")]))
    position = RepairPosition(DAYS[0], 20, 400, sync_of(engine, Upstream()).now())
    repairs.keep_repair_position(engine, "r", position)
    adoption.adopt(engine, MADE_WITH, **change)  # type: ignore[arg-type]
    assert open_gaps(engine) == []
    assert repairs.repair_position(engine, "r") is None
    another = Upstream(foreign(range(1, 401)))
    sync_of(engine, another).run(DAYS[0], TODAY, includes_today=False, position=position)
    assert max(stored(engine)) == (400 if change == {"same": True} else 300)
    assert rows(engine, "select count(*) from telemetry.rejected_records") == [0]


def test_ids_above_a_cursor_that_was_set_back_are_read_again_after_an_adoption(engine: sa.Engine) -> None:
    tick(engine, Upstream(map(record, range(1, 501))))
    changed = Upstream(foreign(range(1, 501)))
    adoption.adopt(engine, MADE_WITH, same=True)
    cursor.put(engine, 100)
    tick(engine, changed)
    assert told(engine) == []
    assert rows(engine, "select min(record_id) from telemetry.rejected_records") == [101]


def test_a_repair_completes_no_day_while_something_holds_the_cursor(engine: sa.Engine) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(1, 100))
    tick(engine, upstream)
    upstream.add(record(10**12 + one, DAYS[1]) for one in range(9))
    known = complete_days(engine)
    for _ in range(2):
        sync_of(engine, upstream).run(DAYS[1], DAYS[1], includes_today=False)
        assert complete_days(engine) == known
        tick(engine, upstream)


@SMALL
def test_a_sync_that_cannot_see_how_far_ids_go_completes_nothing(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 31)))
    tick(engine, upstream)
    upstream.add([*map(record, range(31, 61)), record(LARGEST)])
    upstream.poisoned = {31: "error"}
    until = "select complete_before, known_until from telemetry.sync_state"
    before = rows(engine, until)
    for known in ([], ["upstream:jump"]):
        tick(engine, upstream)
        assert told(engine) == known
        assert rows(engine, until) == before


def test_where_nothing_is_stored_nothing_is_compared(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 11)))
    tick(engine, upstream)
    assert len(upstream.listings) == 2, "the newest id, and what there is"


def test_ids_that_are_sparse_behind_an_accepted_jump_need_one_answer(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 1_201)))
    tick(engine, upstream)
    sparse: Iterator[int] = iter(range(10**12, 10**12 + 10**9, 2_000_000))
    upstream.add([record(next(sparse))])
    tick(engine, upstream)
    assert told(engine) == ["upstream:jump"]
    cursor.put(engine, 10**12 - 1)
    for _ in range(5):
        tick(engine, upstream)
        assert (cursors.read(engine).record_id, told(engine)) == (max(upstream.records), [])
        upstream.add([record(next(sparse)), record(next(sparse))])


def test_distances_that_no_bigint_holds_end_no_tick(engine: sa.Engine) -> None:
    ids = [-LARGEST, 2**62 - 2, 2**62 - 1]
    for _ in range(2):
        tick(engine, Upstream(map(record, ids)))
    assert (stored(engine), cursors.read(engine).record_id) == (ids, ids[-1])
    assert (cursor.read(engine).distance or 0) == LARGEST
    assert cursor.samples(engine, LARGEST, 0.999)


@SMALL
def test_a_batch_is_bounded_in_bytes(engine: sa.Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []
    real = records.store
    monkeypatch.setattr("telemetry_pipeline.ingestion.sync.BATCH_RECORDS", 10_000)
    monkeypatch.setattr("telemetry_pipeline.ingestion.sync.BATCH_BYTES", 20_000)

    def store(connection: sa.Connection, batch: Batch) -> Stored:
        sizes.append(batch.size_bytes)
        return real(connection, batch)

    monkeypatch.setattr(records, "store", store)
    tick(engine, Upstream(record(one, dataName="n" * 3_000, dataId="no" if one % 2 else None) for one in range(1, 101)))
    assert len(stored(engine)) == 50
    assert max(sizes) < 50_000
