"""The sync: what the upstream has is stored, once, in whatever order it comes and wherever a step breaks off."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from upstream import Upstream

from telemetry_pipeline.errors import (
    Cancelled,
    LoginRejected,
    MalformedAnswer,
    PanAccessError,
    PanAccessUnavailable,
    WarehouseError,
    WarehouseUnavailable,
)
from telemetry_pipeline.ingestion import sync as sync_module
from telemetry_pipeline.ingestion.sync import OVERLAP_IDS, Progress, Sync
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess import feed as feed_module
from telemetry_pipeline.sources.panaccess import slices
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.raw import cursor as sync_cursor
from telemetry_pipeline.warehouse.raw import gaps, repairs
from telemetry_pipeline.warehouse.raw import records as warehouse
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.gaps import Gap
from telemetry_pipeline.warehouse.raw.records import Stored
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition

UTC = ZoneInfo("UTC")
MEXICO = ZoneInfo("America/Mexico_City")
TODAY = date(2025, 3, 6)
DAYS = [TODAY - timedelta(days=number) for number in range(5, -1, -1)]
NEVER = float("inf")


def record(record_id: int, day: date = TODAY, **fields: Any) -> dict[str, Any]:
    return {"recordId": record_id, "timestamp": f"{day} 12:00:00", "dataName": f"name of {record_id}", **fields}


def bad(record_id: int) -> dict[str, Any]:
    return record(record_id, dataId="no number")


def feed_of(upstream: Upstream) -> Feed:
    return Feed(upstream, PageDecoder(UTC, MEXICO), UTC)


def sync_of(engine: sa.Engine, upstream: Upstream, **options: Any) -> Sync:
    return Sync(**{"engine": engine, "feed": feed_of(upstream), "operator_zone": MEXICO, "deadline": NEVER, **options})


def tick(engine: sa.Engine, upstream: Upstream, **options: Any) -> Sync:
    """A step of the live edge, which may end with an error; gives the sync for its outcome."""
    one = sync_of(engine, upstream, **options)
    one.run(TODAY, TODAY, includes_today=True)
    return one


def rows(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


def stored(engine: sa.Engine) -> list[int]:
    return rows(engine, "select record_id from telemetry.records order by record_id")


def rejected(engine: sa.Engine) -> list[int]:
    return rows(engine, "select record_id from telemetry.rejected_records order by record_id")


def open_gaps(engine: sa.Engine) -> list[tuple[int, int]]:
    return rows(
        engine,
        "select first_record_id, last_record_id from telemetry.sync_gaps where resolved_at is null order by 1, 2",
    )


def keep(engine: sa.Engine, batch: Batch) -> None:
    with warehouse.writing(engine) as connection:
        warehouse.store(connection, batch)


def make_gaps_due(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_gaps set tried_at = now() - interval '2 days'"))


def stops_after(deliveries: int) -> dict[str, Any]:
    """Options of a sync whose time is over after so many deliveries."""
    state = {"left": deliveries}

    def report(progress: Progress) -> None:
        state["left"] -= 1

    deadline = time.monotonic() + 1_000
    clock = mock.Mock(side_effect=lambda: deadline if state["left"] <= 0 else deadline - 1)
    return {"report": report, "deadline": deadline, "clock": clock}


@contextmanager
def time_limited(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    clock = options.pop("clock")
    with mock.patch.object(sync_module, "time", mock.Mock(monotonic=clock)):
        yield options


@pytest.fixture
def small() -> Iterator[None]:
    """Small pages, batches and overlap, so that a few records make many of them."""
    with (
        mock.patch.object(feed_module, "PAGE_SIZE", 5),
        mock.patch.object(sync_module, "BATCH_RECORDS", 7),
        mock.patch.object(sync_module, "OVERLAP_IDS", 20),
    ):
        yield


@contextmanager
def stores(wrap: Callable[[int, Callable[[], Stored], Batch], Stored]) -> Iterator[None]:
    """Every storing of a batch goes through *wrap*, which gets its number from 1, what would store it, and the batch."""
    real = warehouse.store
    numbers = iter(range(1, 10**6))

    def wrapped(connection: sa.Connection, batch: Batch) -> Stored:
        return wrap(next(numbers), lambda: real(connection, batch), batch)

    with mock.patch.object(warehouse, "store", wrapped):
        yield


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


def test_the_text_of_a_malformed_upstream_is_kept(engine: sa.Engine) -> None:
    upstream = Upstream([record(1)])
    upstream.poisoned = {1: "malformed"}
    for _ in range(2):
        with pytest.raises(MalformedAnswer):
            tick(engine, upstream)
    [(record_id, payload, reason)] = rows(engine, "select record_id, payload, reason from telemetry.rejected_records")
    assert (record_id, payload) == (None, '{"success": true, "answer": {"telemetryRecordEntries": [\\x00\\xff')
    assert reason.startswith("PanAccess answered something that is not its JSON envelope")
    assert sync_cursor.read(engine).record_id == 0


def test_of_malformed_answers_the_first_of_each_kind_is_kept_and_of_a_long_one_the_beginning(engine: sa.Engine) -> None:
    """An upstream that is broken for a day answers each of 720 ticks a little differently."""
    upstream = Upstream([record(1)])
    answers: list[bytes] = []

    def post(function: str, _parameters: object) -> bytes:
        return b'{"success": true, "answer": "a-session"}' if function == "login" else answers[-1]

    upstream._post = post  # type: ignore[method-assign,assignment]
    for number in range(3):
        for answer in ("<html>#", '{"success": true, "answer": #}', '{"success": #} ', "7" * 10**5):
            answers.append(b" " * number + answer.replace("#", str(number)).encode())
            with pytest.raises(MalformedAnswer):
                tick(engine, upstream)
    kept = rows(engine, "select record_id, left(payload, 20) from telemetry.rejected_records order by rejected_id")
    assert kept == [(None, "<html>0"), (None, '{"success": true, "a'), (None, '{"success": 0} '), (None, "7" * 20)]
    [longest] = rows(engine, "select max(length(payload)) from telemetry.rejected_records")
    assert 20_000 <= longest < 20_100
    assert rows(engine, "select count(*) from telemetry.receipts") == [0]


def test_another_time_zone_than_that_of_the_stored_days_is_refused(engine: sa.Engine) -> None:
    upstream = Upstream([record(1)])
    tick(engine, upstream)
    with pytest.raises(WarehouseError, match="OPERATOR_TIMEZONE is 'Europe/Madrid', but the stored days are those of"):
        tick(engine, upstream, operator_zone=ZoneInfo("Europe/Madrid"))
    assert tick(engine, upstream).outcome.read == 1


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("kind", ["error", "refused", "malformed"])
def test_an_id_that_fails_is_a_gap_and_the_sync_goes_on_behind_it(engine: sa.Engine, kind: str) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {17: kind}
    one = tick(engine, upstream)
    assert stored(engine) == [record_id for record_id in range(1, 41) if record_id != 17]
    assert sync_cursor.read(engine).record_id == 40
    assert one.outcome.gaps == 1
    [(first, last, reason, raw)] = rows(engine, "select first_record_id, last_record_id, reason, raw from telemetry.sync_gaps")
    assert (first, last) == (17, 17)
    assert bool(raw) == (kind == "malformed")
    assert {"error": "HTTP 500", "refused": "No \\x00 \\ud800 way.", "malformed": "JSON envelope"}[kind] in reason


@pytest.mark.usefixtures("small")
def test_a_gap_is_left_alone_until_it_is_due(engine: sa.Engine) -> None:
    """Though it lies in the overlap, which every tick reads again."""
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {37: "error", 40: "error"}
    upstream.add([record(41)])
    tick(engine, upstream)
    assert open_gaps(engine) == [(37, 37), (40, 40)]
    upstream.listings.clear()
    upstream.add([record(42), record(39), record(38)])
    assert tick(engine, upstream).outcome.stored == 1
    assert len(upstream.listings) < 12
    assert all(rule["data"] != "37" for rule in rules_of(upstream) if rule["op"] == "le")
    assert open_gaps(engine) == [(37, 37), (40, 40)]
    assert sync_cursor.read(engine).record_id == 42


def rules_of(upstream: Upstream) -> list[dict[str, str]]:
    return [
        rule
        for listing in upstream.listings
        if "newFilters" in listing
        for rule in listing["newFilters"]["filters"][0]["rules"]
    ]


@pytest.mark.usefixtures("small")
def test_a_gap_is_tried_again_at_growing_intervals_until_it_is_resolved(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {17: "error"}
    tick(engine, upstream)
    for attempts in range(1, 6):
        assert rows(engine, "select attempts from telemetry.sync_gaps") == [attempts]
        assert rows(engine, "select tried_at > now() - interval '1 minute' from telemetry.sync_gaps") == [True]
        set_age(engine, minutes=2**attempts - 0.5)
        assert gaps.gaps_due(engine, 10) == []
        set_age(engine, minutes=2**attempts + 0.5)
        assert [gap.first_record_id for gap in gaps.gaps_due(engine, 10)] == [17]
        tick(engine, upstream)
        assert open_gaps(engine) == [(17, 17)]
    upstream.poisoned = {}
    make_gaps_due(engine)
    assert tick(engine, upstream).outcome.stored == 1
    assert open_gaps(engine) == []
    assert stored(engine) == list(range(1, 41))
    assert sync_cursor.read(engine).record_id == 40


def set_age(engine: sa.Engine, minutes: float) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text("update telemetry.sync_gaps set tried_at = now() - make_interval(secs => :seconds)"),
            {"seconds": minutes * 60},
        )


@pytest.mark.usefixtures("small")
def test_a_wide_gap_whose_retry_is_cut_short_stays_open_from_there_on(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 61)))
    keep(engine, Batch(gaps=[Gap(1, 50, "took too long")], cursor=60))
    make_gaps_due(engine)
    with time_limited(stops_after(3)) as options:
        tick(engine, upstream, **options)
    [(first, last)] = open_gaps(engine)
    assert (1 < first < 50, last) == (True, 50)
    assert stored(engine)[: first - 1] == list(range(1, first))
    while open_gaps(engine):
        make_gaps_due(engine)
        with time_limited(stops_after(30)) as options:
            tick(engine, upstream, **options)
    assert stored(engine) == list(range(1, 61))


@pytest.mark.usefixtures("small")
def test_what_still_fails_of_a_wide_gap_becomes_gaps_of_its_own(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 61)))
    upstream.poisoned = {20: "error", 21: "malformed"}
    keep(engine, Batch(gaps=[Gap(1, 50, "took too long")], cursor=60))
    make_gaps_due(engine)
    tick(engine, upstream)
    assert open_gaps(engine) == [(20, 20), (21, 21)]
    assert stored(engine) == [one for one in range(1, 61) if one not in (20, 21)]


@pytest.mark.usefixtures("small")
def test_narrowing_down_a_page_is_finished_beyond_the_deadline(engine: sa.Engine) -> None:
    """Broken off, it would begin anew with every tick, and the sync would stand before that page for ever."""
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {2: "error"}
    with time_limited(stops_after(1)) as options:
        tick(engine, upstream, **options)
    assert open_gaps(engine) == [(2, 2)]
    assert sync_cursor.read(engine).record_id >= 2


@pytest.mark.usefixtures("small")
def test_a_rejected_login_during_the_retry_of_a_gap_ends_the_step(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {17: "error"}
    tick(engine, upstream)
    make_gaps_due(engine)
    upstream.listings.clear()

    def refuse(number: int) -> None:
        if number > 1:
            raise LoginRejected("no")

    upstream.before = refuse
    with pytest.raises(LoginRejected):
        tick(engine, upstream)
    assert len(upstream.listings) == 2


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


@dataclass
class World:
    """An upstream and a warehouse, and which ids appeared below the cursor since the last tick that ended in order."""

    engine: sa.Engine
    upstream: Upstream
    late: set[int]

    def check(self) -> None:
        """Nothing is stored that is not there, nothing twice, and the cursor passed nothing."""
        kept = stored(self.engine)
        assert len(kept) == len(set(kept))
        assert set(kept) <= set(self.upstream.records)
        cursor = sync_cursor.read(self.engine).record_id
        in_gaps = {one for low, high in open_gaps(self.engine) for one in range(low, high + 1)}
        passed = {one for one in self.upstream.records if one <= cursor} - self.late
        assert passed <= {*kept, *rejected(self.engine), *in_gaps}

    def arrive(self, numbers: list[int], day: int) -> None:
        """New ids above all others, with holes of these sizes; every fifth record is bad."""
        record_id = max([0, *self.upstream.records])
        for hole in numbers:
            record_id += hole
            self.upstream.add([bad(record_id) if record_id % 5 == 0 else record(record_id, DAYS[(day + hole) % 6])])

    def come_late(self, below: int, day: int) -> None:
        """An id that was a hole, within the overlap."""
        record_id = sync_cursor.read(self.engine).record_id - below
        if record_id > 0 and record_id not in self.upstream.records:
            self.upstream.add([record(record_id, DAYS[day])])
            self.late.add(record_id)

    def poison(self, place: int, kind: str | None) -> None:
        ids = sorted(self.upstream.records)[:-1]
        if ids and kind:
            self.upstream.poisoned[ids[place % len(ids)]] = kind
        elif not kind:
            self.upstream.poisoned.clear()

    def sync(self, first: int, last: int, deliveries: int, breaks: str | None, at: int) -> None:
        """A step over some days, which may break off at its deadline, at a batch or when the upstream goes down."""
        first, last = min(first, last), max(first, last)
        includes_today = DAYS[last] == TODAY
        checks = iter(range(1, 10**6))

        def checkpoint() -> None:
            if breaks == "cancelled" and next(checks) == at:
                raise Cancelled("ended")

        def store_or_fail(number: int, store: Callable[[], Stored], batch: Batch) -> Stored:
            if breaks == "after commit" and number == at:
                store()
            if breaks in ("before commit", "after commit") and number == at:
                raise WarehouseUnavailable("the connection is lost")
            return store()

        self.upstream.listings.clear()
        self.upstream.before = lambda number: setattr(self.upstream, "down", breaks == "down" and number >= at)
        seen = set(self.late)
        try:
            with stores(store_or_fail), time_limited(stops_after(deliveries)) as options:
                one = sync_of(self.engine, self.upstream, checkpoint=checkpoint, **options)
                stopped = one.run(DAYS[first], DAYS[last], includes_today=includes_today)
        except (Cancelled, PanAccessError, WarehouseUnavailable):
            assert breaks
        else:
            if includes_today and not stopped:
                self.late -= seen
        self.upstream.before = lambda number: None
        self.upstream.down = False

    def two_at_once(self) -> None:
        seen = set(self.late)
        with ThreadPoolExecutor(2) as pool:
            done = [pool.submit(tick, self.engine, self.upstream) for _ in range(2)]
            outcomes = [one.result().outcome for one in done]
        assert sum(outcome.stored for outcome in outcomes) <= len(self.upstream.records)
        self.late -= seen


small_numbers = st.integers(1, 8)
operations = st.one_of(
    st.tuples(st.just("arrive"), st.lists(st.integers(1, 4), min_size=1, max_size=25), st.integers(0, 5)),
    st.tuples(st.just("come_late"), st.integers(0, 18), st.integers(0, 5)),
    st.tuples(st.just("poison"), st.integers(0, 200), st.sampled_from(["error", "malformed", "refused", None])),
    st.tuples(st.just("sync"), st.just(5), st.just(5), st.just(1000), st.none(), st.just(0)),
    st.tuples(
        st.just("sync"),
        st.integers(0, 5),
        st.integers(3, 5),
        st.one_of(small_numbers, st.just(1000)),
        st.sampled_from([None, "cancelled", "before commit", "after commit", "down"]),
        small_numbers,
    ),
    st.tuples(st.just("two_at_once")),
)


ANSWERS: list[tuple[str | None, Callable[[list[Any], int], list[Any]]]] = [
    ("total", lambda rows, limit: rows),
    ("total", lambda rows, limit: [*rows[:1], *rows][:limit]),
    ("total", lambda rows, limit: [*rows[:1], *rows[:1], *rows[2:]][:limit]),
    ("page", lambda rows, limit: rows[::-1]),
    (None, lambda rows, limit: rows),
]


def fast(engine: sa.Engine) -> sa.Engine:
    """The same database over connections that stay open and wait for no disk."""
    return sa.create_engine(engine.url, connect_args={"options": "-c synchronous_commit=off"})


def clear(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for table in ("records", "pending_merges", "sync_gaps", "rejected_records", "sync_repairs"):
            connection.execute(sa.text(f"delete from telemetry.{table}"))
        connection.execute(sa.text("update telemetry.sync_state set cursor = 0"))


@given(
    st.lists(operations, min_size=3, max_size=12),
    st.integers(1, 6),
    st.sampled_from(ANSWERS),
)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example([("arrive", [1] * 30, 0), ("sync", 5, 5, 1, None, 0)], 5, ANSWERS[2])
@pytest.mark.usefixtures("small")
@pytest.mark.slow
def test_whatever_happens_in_whatever_order_everything_is_stored_once(
    engine: sa.Engine,
    steps: list[tuple[Any, ...]],
    page_cap: int,
    answers: tuple[str | None, Callable[[list[Any], int], list[Any]]],
) -> None:
    engine = fast(engine)
    clear(engine)
    world = World(engine, Upstream(page_cap=page_cap), set())
    world.upstream.count, world.upstream.habit = answers
    try:
        for name, *arguments in steps:
            getattr(world, name)(*arguments)
            world.check()
        world.upstream.poisoned.clear()
        for _ in range(2):
            make_gaps_due(engine)
            with mock.patch.object(sync_module, "_GAPS_A_STEP", 1000):
                tick(engine, world.upstream)
        good = [one for one in sorted(world.upstream.records) if one % 5 or "no number" not in str(world.upstream.records[one])]
        assert stored(engine) == good
        assert rejected(engine) == sorted(set(world.upstream.records) - set(good))
        assert open_gaps(engine) == []
        assert sync_cursor.read(engine).record_id == max([0, *world.upstream.records])
        content = rows(engine, "select record_id, data_name, local_date from telemetry.records order by record_id")
        assert content == [
            (one, f"name of {one}", date.fromisoformat(world.upstream.records[one]["timestamp"][:10])) for one in good
        ]
        assert tick(engine, world.upstream).outcome.stored == 0
    finally:
        engine.dispose()


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


def test_a_step_does_not_last_much_longer_than_its_deadline(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 3001)))
    one = sync_of(engine, upstream, deadline=time.monotonic() - 1)
    assert one.run(TODAY, TODAY, includes_today=True) is not None
    assert one.outcome.read == 1000
