"""The cursor under an upstream that lies: ids that jump, ids that begin anew, and ids as no upstream should have them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import pytest
import sqlalchemy as sa
from syncing import DAYS, LARGEST, NEVER, TODAY, UTC, keep, record, rejected, rows, stored, sync_of, tick, told
from upstream import Upstream

from telemetry_pipeline.simulator.options import WIDEST_HOLE, Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw.batch import Batch


@pytest.mark.parametrize("absurd", [LARGEST, LARGEST - 7, 10**15, 3_000_000])
def test_an_absurd_id_holds_the_cursor_below_it_and_the_rest_is_stored(engine: sa.Engine, absurd: int) -> None:
    """It moved the cursor there: nothing was read any more, and nobody was told."""
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add([record(absurd), *map(record, range(101, 111))])
    tick(engine, upstream)
    assert cursors.read(engine).record_id == 110
    assert told(engine) == ["upstream:jump"]
    for first in (111, 121):
        upstream.add(map(record, range(first, first + 10)))
        assert tick(engine, upstream).outcome.stored == 10
    assert stored(engine) == [*range(1, 131)]
    del upstream.records[absurd]
    tick(engine, upstream)
    assert told(engine) == []


@pytest.mark.parametrize("count", ["total", "page", None])
def test_a_first_sync_begins_anywhere_and_holds_before_an_absurd_id(engine: sa.Engine, count: str | None) -> None:
    upstream = Upstream([*map(record, range(5_000_000_000, 5_000_003_000)), record(LARGEST)])
    upstream.count = count
    tick(engine, upstream)
    assert (len(stored(engine)), cursors.read(engine).record_id) == (3000, 5_000_002_999)
    assert told(engine) == ["upstream:jump"]


def test_a_first_sync_goes_on_where_most_records_are(engine: sa.Engine) -> None:
    """Somebody's first test years ago does not hold what came since."""
    upstream = Upstream([record(7), *map(record, range(5_000_000_000, 5_000_003_000))])
    tick(engine, upstream)
    assert (len(stored(engine)), cursors.read(engine).record_id) == (3001, 5_000_002_999)
    assert told(engine) == []


@pytest.mark.parametrize("later", [range(101, 4_000_000, 1000), range(900_000, 900_100), range(101, 3101)])
def test_holes_of_ordinary_size_and_a_month_of_records_hold_nothing(engine: sa.Engine, later: Iterable[int]) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add(map(record, later))
    tick(engine, upstream)
    assert cursors.read(engine).record_id == max(later)
    assert told(engine) == []


def test_ids_that_are_far_apart_as_a_rule_may_jump_farther(engine: sa.Engine) -> None:
    upstream = Upstream(record(1000 * one) for one in range(1, 101))
    tick(engine, upstream)
    upstream.add([record(500_000_000)])
    tick(engine, upstream)
    assert (cursors.read(engine).record_id, told(engine)) == (500_000_000, [])


def test_an_empty_range_of_any_width_costs_few_requests(engine: sa.Engine) -> None:
    """What was left behind the first page was cut into slices of equal width, of which nearly all were empty."""
    upstream = Upstream([*map(record, range(1, 10_001)), record(LARGEST)])
    tick(engine, upstream)
    assert len(stored(engine)) == 10_000
    assert len(upstream.listings) < 60
    upstream.listings.clear()
    upstream.add([record(10_001)])
    tick(engine, upstream)
    assert cursors.read(engine).record_id == 10_001
    assert len(upstream.listings) <= 12


def test_a_repair_reads_nothing_beyond_what_holds_the_cursor(engine: sa.Engine) -> None:
    upstream = Upstream(record(one, DAYS[one % 6]) for one in range(1, 100))
    tick(engine, upstream)
    upstream.add([record(LARGEST, DAYS[1]), record(10**12, DAYS[1])])
    sync_of(engine, upstream).run(DAYS[1], DAYS[1], includes_today=False)
    tick(engine, upstream)
    sync_of(engine, upstream).run(DAYS[1], TODAY, includes_today=True)
    assert stored(engine) == [*range(1, 100)]


def test_a_newest_id_below_the_cursor_is_told_and_what_is_new_is_stored(engine: sa.Engine) -> None:
    """A backup of PanAccess was restored, or ids begin anew."""
    upstream = Upstream(map(record, range(1, 20_001)))
    tick(engine, upstream)
    for gone in range(9_000, 20_001):
        del upstream.records[gone]
    tick(engine, upstream)
    assert told(engine) == ["upstream:below"]
    assert cursors.read(engine).record_id == 20_000
    upstream.add(map(record, range(20_001, 20_011)))
    tick(engine, upstream)
    assert told(engine) == []
    assert cursors.read(engine).record_id == 20_010


@pytest.mark.parametrize("upstream", [Upstream(), Upstream(map(record, range(1, 10)))], ids=["empty", "as before"])
def test_a_tick_that_finds_nothing_new_is_a_sync(engine: sa.Engine, upstream: Upstream) -> None:
    """An upstream without records made the alert 'Ticks have stopped' although they succeeded."""
    tick(engine, upstream)
    assert rows(engine, "select synced_at is not null from telemetry.sync_state") == [True]


def test_ids_of_more_than_64_bits_and_id_0_end_no_tick(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(0, 101)))
    tick(engine, upstream)
    upstream.add([record(2**63), record(10**30), *map(record, range(101, 111))])
    tick(engine, upstream)
    assert cursors.read(engine).record_id == 110
    assert set(range(1, 111)) <= set(stored(engine))
    assert {0} <= {*stored(engine), *rejected(engine)}


def test_a_sync_at_work_while_the_cursor_is_set_does_not_move_it_back(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    before = cursors.read(engine)
    cursors.put(engine, 50)
    keep(engine, Batch(cursor=100, cursor_set_at=before.set_at))
    assert cursors.read(engine).record_id == 50
    tick(engine, upstream, deadline=NEVER)
    assert cursors.read(engine).record_id == 100


@pytest.mark.parametrize(("answer", "expected"), [("accept", 10**12 + 5), ("ignore", 121)])
def test_a_person_says_what_a_jump_is(engine: sa.Engine, answer: str, expected: int) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add(map(record, range(10**12, 10**12 + 5)))
    tick(engine, upstream)
    at = cursors.read(engine)
    assert at.jump_id == 10**12
    if answer == "accept":
        cursors.put(engine, at.jump_id - 1)
    else:
        cursors.ignore(engine, at.jump_id)
    upstream.add([record(expected)])
    tick(engine, upstream)
    assert (cursors.read(engine).record_id, told(engine)) == (expected, [])
    assert len(stored(engine)) == 101 + 5 * (answer == "accept")
    if answer == "ignore":
        upstream.add([record(10**11)])
        tick(engine, upstream)
        assert told(engine) == ["upstream:jump"]


@pytest.mark.parametrize("edge", [2**31, 2**32, 2**53])
def test_ids_go_on_beyond_what_some_number_holds(engine: sa.Engine, edge: int) -> None:
    upstream = Upstream(map(record, range(edge - 50, edge + 50)))
    tick(engine, upstream)
    upstream.add(map(record, range(edge + 50, edge + 60)))
    tick(engine, upstream)
    assert (stored(engine), told(engine)) == ([*range(edge - 50, edge + 60)], [])


def test_a_jump_that_is_filled_holds_no_more(engine: sa.Engine) -> None:
    """Ids were handed out in blocks, of which a later one was used first."""
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add(map(record, range(2_000_000, 2_000_010)))
    tick(engine, upstream)
    assert (cursors.read(engine).record_id, told(engine)) == (100, ["upstream:jump"])
    upstream.add(map(record, range(101, 1_200_000, 400)))
    tick(engine, upstream)
    assert (cursors.read(engine).record_id, told(engine)) == (2_000_009, [])
    assert stored(engine) == sorted(upstream.records)


def test_another_jump_behind_the_first_is_told_when_that_was_accepted(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 101)))
    tick(engine, upstream)
    upstream.add([*map(record, range(10**10, 10**10 + 5)), record(LARGEST)])
    tick(engine, upstream)
    for expected in (10**10, LARGEST):
        at = cursors.read(engine)
        assert (at.jump_id, told(engine)) == (expected, ["upstream:jump"])
        cursors.put(engine, expected - 1)
        tick(engine, upstream)
    assert (stored(engine), told(engine)) == (sorted(upstream.records), [])


def test_negative_ids_are_stored_by_a_first_sync_and_by_repairs(engine: sa.Engine) -> None:
    """An upstream that counts in 32 bits goes on below 0. Nobody ever asked for them."""
    lowest = -(2**31)
    upstream = Upstream([*map(record, range(lowest, lowest + 5)), *map(record, range(1, 101))])
    tick(engine, upstream)
    assert stored(engine) == sorted(upstream.records)
    upstream.add(record(lowest + 5 + one, DAYS[2]) for one in range(5))
    tick(engine, upstream)
    sync_of(engine, upstream).run(DAYS[1], DAYS[4], includes_today=False)
    assert stored(engine) == sorted(upstream.records)
    assert (cursors.read(engine).record_id, told(engine)) == (100, [])


def test_the_lowest_id_that_fails_costs_few_requests_more(engine: sa.Engine) -> None:
    upstream = Upstream([record(-(2**63) + 1), *map(record, range(5_000_000_000, 5_000_000_100))])
    upstream.poisoned = {5_000_000_000: "error"}
    tick(engine, upstream)
    assert len(stored(engine)) == 100
    assert len(upstream.listings) < 120


def test_an_upstream_of_negative_ids_alone(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(-50, -40)))
    for _ in range(2):
        tick(engine, upstream)
    assert (stored(engine), told(engine)) == ([*range(-50, -40)], [])


def test_holes_among_the_records_stored_first_make_no_jump_plausible(engine: sa.Engine) -> None:
    """The widest distance of few ids is no rule."""
    upstream = Upstream([*map(record, range(1, 5)), record(LARGEST)])
    tick(engine, upstream)
    assert (cursors.read(engine).record_id, told(engine)) == (4, ["upstream:jump"])


@pytest.mark.parametrize("live", [0.02, "history"])
def test_the_live_ids_of_a_simulator_that_was_away_hold_nothing(engine: sa.Engine, live: Any) -> None:
    """They go by the clock: every hour begins 36 million ids above the one before."""
    now = datetime(2025, 3, 6, 12, tzinfo=UTC).timestamp()
    clock = [now]
    options = Options(records_count=5_000, days=5, end=datetime.fromtimestamp(now, UTC), live=live, late_ids=0)
    with SimulatorServer(options, lambda: clock[0]) as server:
        client: Any = PanAccessClient(server.url, Credentials(*4 * ["simulator"]))
        for hours in (0, 1, 5, 80):
            clock[0] = now + 3_600 * hours
            tick(engine, client, max_id_jump=WIDEST_HOLE)
            assert told(engine) == []
        assert stored(engine) == [record["recordId"] for record in server.records()]


def test_an_absurd_id_alone_is_no_beginning(engine: sa.Engine) -> None:
    upstream = Upstream([record(LARGEST)])
    tick(engine, upstream)
    assert (cursors.read(engine).record_id, told(engine)) == (0, ["upstream:jump"])
    upstream.add(map(record, range(1, 21)))
    tick(engine, upstream)
    assert (stored(engine), cursors.read(engine).record_id) == ([*range(1, 21)], 20)
