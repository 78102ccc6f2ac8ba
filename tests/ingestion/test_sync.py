"""The sync: what the upstream has is stored, once, over any days, by however many at once and within bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from syncing import (
    DAYS,
    MEXICO,
    TODAY,
    UTC,
    bad,
    keep,
    make_gaps_due,
    open_gaps,
    record,
    rejected,
    rows,
    stored,
    stores,
    sync_of,
    tick,
)
from upstream import Upstream

from telemetry_pipeline.errors import (
    PanAccessError,
    WarehouseError,
)
from telemetry_pipeline.ingestion.sync import OVERLAP_IDS, Progress
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess import slices
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.raw import cursor as sync_cursor
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.gaps import Gap
from telemetry_pipeline.warehouse.raw.records import Stored


def test_everything_is_stored_and_the_cursor_is_the_newest_id(engine: sa.Engine) -> None:
    upstream = Upstream([*(record(one, DAYS[one // 2 % 6]) for one in range(1, 3000, 2)), bad(3001), record(3003)])
    one = tick(engine, upstream)
    assert stored(engine) == [*range(1, 3000, 2), 3003]
    assert rejected(engine) == [3001]
    assert sync_cursor.read(engine).record_id == 3003
    assert one.outcome.days == {day: 250 + (day == TODAY) for day in DAYS}
    assert (one.outcome.read, one.outcome.stored, one.outcome.rejected, one.outcome.gaps) == (1502, 1501, 1, 0)


def test_a_second_sync_stores_nothing(engine: sa.Engine) -> None:
    upstream = Upstream([*map(record, range(1, 3000)), bad(3000)])
    tick(engine, upstream)
    again = tick(engine, upstream)
    assert (again.outcome.stored, again.outcome.rejected) == (0, 0)
    assert len(stored(engine)) == 2999
    assert rejected(engine) == [3000]


def test_an_upstream_without_records_is_no_error(engine: sa.Engine) -> None:
    assert tick(engine, Upstream()).outcome.read == 0
    assert sync_cursor.read(engine).record_id == 0


@pytest.mark.usefixtures("small")
def test_a_late_id_below_the_cursor_is_picked_up(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(2, 101, 2)))
    tick(engine, upstream)
    upstream.add([record(81), record(99, DAYS[0])])
    assert tick(engine, upstream).outcome.days == {TODAY: 1, DAYS[0]: 1}
    assert {81, 99} <= set(stored(engine))


@pytest.mark.usefixtures("small")
def test_the_live_edge_reads_no_more_than_its_overlap_again(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add([record(101)])
    assert tick(engine, upstream).outcome.read == 21


def test_the_overlap_is_five_pages() -> None:
    assert OVERLAP_IDS == 5 * slices.PAGE_SIZE


@pytest.mark.usefixtures("small")
def test_a_repair_stores_what_is_missing_of_its_days_and_leaves_the_cursor(engine: sa.Engine) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(10, 100))
    tick(engine, upstream)
    upstream.add([record(1, DAYS[1]), record(2, DAYS[3]), record(3, DAYS[5]), record(105, DAYS[1])])
    repair = sync_of(engine, upstream)
    assert repair.run(DAYS[1], DAYS[3], includes_today=False) is None
    assert repair.outcome.days == {DAYS[1]: 2, DAYS[3]: 1}
    assert sync_cursor.read(engine).record_id == 99
    assert tick(engine, upstream).outcome.stored == 0
    assert sync_cursor.read(engine).record_id == 105


@pytest.mark.usefixtures("small")
def test_a_range_that_includes_today_reads_nothing_twice_when_all_is_new(engine: sa.Engine) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(1, 100))
    one = sync_of(engine, upstream)
    assert one.run(DAYS[0], TODAY, includes_today=True) is None
    assert one.outcome.read == one.outcome.stored == 99
    assert sync_cursor.read(engine).record_id == 99


@pytest.mark.usefixtures("small")
def test_a_range_that_includes_today_repairs_what_lies_below_the_live_edge(engine: sa.Engine) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(50, 150))
    tick(engine, upstream)
    upstream.add([*(record(one, DAYS[one % 6]) for one in range(1, 13)), *(record(one, DAYS[0]) for one in (150, 151))])
    one = sync_of(engine, upstream)
    assert one.run(DAYS[1], TODAY, includes_today=True) is None
    assert one.outcome.days == {DAYS[0]: 2, **dict.fromkeys(DAYS[1:], 2)}
    assert set(range(1, 13)) - set(stored(engine)) == {6, 12}
    assert sync_cursor.read(engine).record_id == 151


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("make", [record, bad], ids=["good records", "rejected records"])
def test_the_memory_does_not_grow_with_what_is_read(engine: sa.Engine, make: Callable[[int], dict[str, Any]]) -> None:
    """Two batches and the pages that are read ahead, whatever they hold."""
    upstream = Upstream(map(make, range(1, 401)))
    seen = []

    def measure(number: int, store: Callable[[], Stored], batch: Batch) -> Stored:
        seen.append(len(batch.ids) + len(batch.rejected))
        assert len(upstream.listings) <= 2 * (number + 1) + 8 + 2
        return store()

    with stores(measure):
        tick(engine, upstream)
    assert sum(seen) == 400
    assert max(seen) <= 7 + 5


def test_another_time_zone_than_that_of_the_stored_days_is_refused(engine: sa.Engine) -> None:
    upstream = Upstream([record(1)])
    tick(engine, upstream)
    with pytest.raises(WarehouseError, match="OPERATOR_TIMEZONE is 'Europe/Madrid', but the stored days are those of"):
        tick(engine, upstream, operator_zone=ZoneInfo("Europe/Madrid"))
    assert tick(engine, upstream).outcome.read == 1


def test_a_server_that_ignores_filters_moves_the_cursor_past_nothing(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 3001)))
    upstream.filters = False
    with pytest.raises(PanAccessError, match="ignored the filter"):
        tick(engine, upstream)
    assert stored(engine) == list(range(1, sync_cursor.read(engine).record_id + 1))


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("first", [TODAY, DAYS[0]], ids=["today", "six days"])
def test_progress_grows_from_nothing_to_all(engine: sa.Engine, first: date) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(1, 101))
    keep(engine, Batch(cursor=70, gaps=[Gap(65, 66, "x")]))
    told: list[Progress] = []
    sync_of(engine, upstream, report=told.append).run(first, TODAY, includes_today=True)
    assert all(0 <= progress.fraction <= 1 for progress in told)
    live = [progress for progress in told if progress.read <= 48]
    assert [progress.fraction for progress in live] == sorted(progress.fraction for progress in live)
    assert live[-1].fraction == told[-1].fraction == 1


def test_progress_knows_how_many_there_are_where_the_server_counts(engine: sa.Engine) -> None:
    told: list[Progress] = []
    tick(engine, Upstream(map(record, range(1, 3001))), report=told.append)
    assert {progress.expected for progress in told} == {3000}
    assert told[-1] == Progress(3000, 3000, 1.0)


@pytest.mark.parametrize("encoding", ["json", "brackets"])
def test_over_http_everything_arrives_whatever_the_server_does(
    engine: sa.Engine, simulator: Callable[..., SimulatorServer], encoding: str
) -> None:
    server = simulator(records_count=6_000, late_ids=15, page_cap=300)
    client = PanAccessClient(
        server.url,
        Credentials("simulator", "simulator", "simulator", "simulator"),
        encoding=encoding,  # type: ignore[arg-type]
        retry_seconds=0.001,
    )
    feed = Feed(client, PageDecoder(UTC, MEXICO), UTC)
    poisoned = server.records()[3_000]["recordId"]
    server.set_faults(
        [
            {"kind": "error", "page": [3, 7]},
            {"kind": "drop", "page": 5, "after_bytes": 1000},
            # Far apart: of the calls that are in flight at once, none meets both.
            {"kind": "expired_session", "page": [6, 19]},
            {"kind": "duplicate", "page": [9, 12], "rows": 3},
            {"kind": "reorder", "page": [4, 13]},
            {"kind": "malformed", "record_id": poisoned},
        ]
    )
    sync_of(engine, Upstream(), feed=feed).run(TODAY, TODAY, includes_today=True)
    assert open_gaps(engine) == [(poisoned, poisoned)]
    server.set_faults([])
    server.reveal()
    make_gaps_due(engine)
    sync_of(engine, Upstream(), feed=feed).run(TODAY, TODAY, includes_today=True)
    assert open_gaps(engine) == []
    expected = [(one["recordId"], one["actionId"], one["dataName"], one["data"]) for one in server.records()]
    columns = "record_id, action_id, data_name, data"
    assert rows(engine, f"select {columns} from telemetry.records order by 1") == expected


def test_two_syncs_at_once_store_everything_once(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 8001)))
    with ThreadPoolExecutor(3) as pool:
        outcomes = [one.result().outcome for one in [pool.submit(tick, engine, upstream) for _ in range(3)]]
    assert stored(engine) == list(range(1, 8001))
    assert sum(outcome.stored for outcome in outcomes) == 8000
    assert sync_cursor.read(engine).record_id == 8000
