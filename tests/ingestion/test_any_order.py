"""Whatever happens to an upstream and to its syncs, in whatever order, everything is stored once in the end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from syncing import (
    DAYS,
    TODAY,
    bad,
    make_gaps_due,
    open_gaps,
    record,
    rejected,
    rows,
    stops_after,
    stored,
    stores,
    sync_of,
    tick,
    time_limited,
)
from upstream import Upstream

from telemetry_pipeline.errors import (
    Cancelled,
    PanAccessError,
    WarehouseUnavailable,
)
from telemetry_pipeline.ingestion import sync as sync_module
from telemetry_pipeline.warehouse.raw import cursor as sync_cursor
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.records import Stored


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
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
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
