"""The feed delivers what the upstream has, whatever its habits, and says truly how far it has come."""

from __future__ import annotations

import random
import threading
import time
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from feeding import checked, feed_of, record, slices_of, upstreams
from hypothesis import given, settings
from hypothesis import strategies as st
from upstream import Upstream

from telemetry_pipeline.sources.panaccess.calls.transport import MAX_IN_FLIGHT
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.sources.panaccess.slices import Slice


@given(upstreams(), slices_of())
@settings(max_examples=150, deadline=None)
@pytest.mark.usefixtures("pages_of_five")
def test_slices_deliver_exactly_what_the_upstream_has_of_them(upstream: Upstream, slices: list[Slice]) -> None:
    present = set(upstream.records)
    feed = feed_of(upstream)
    assert feed.newest_id() == max(present, default=0)
    delivered, missing = checked(feed.read(slices), slices, present)
    assert delivered == {one for one in present if any(piece.after_id < one <= piece.up_to_id for piece in slices)}
    assert missing == set()


@given(upstreams(), st.data())
@settings(max_examples=100, deadline=None)
@pytest.mark.usefixtures("pages_of_five")
def test_what_was_there_at_the_start_is_delivered_whatever_arrives_meanwhile(upstream: Upstream, data: st.DataObject) -> None:
    """Offset paging would shift rows from page to page."""
    present = set(upstream.records)
    arriving = data.draw(st.lists(st.integers(1, 90), max_size=20))
    upstream.before = lambda number: upstream.add(map(record, arriving[number - 1 : number]))
    feed = feed_of(upstream)
    feed.newest_id()
    delivered, missing = checked(feed.read([Slice(0, 90)]), [Slice(0, 90)], present)
    assert present <= delivered <= present | set(arriving)
    assert missing == set()


@pytest.mark.usefixtures("pages_of_five")
def test_a_count_that_is_that_of_the_page_ends_nothing() -> None:
    """What ``count`` means is not certain: read as a total, it would end every slice after its first page."""
    upstream = Upstream(map(record, range(1, 41)))
    upstream.count = "page"
    feed = feed_of(upstream)
    feed.newest_id()
    delivered = [one for step in feed.read([Slice(0, 50)]) if step.page for one in step.page.ids]
    assert sorted(delivered) == list(range(1, 41))


def test_a_server_that_gives_one_record_at_a_time_gives_all() -> None:
    upstream = Upstream(map(record, range(1, 41, 3)), page_cap=1)
    delivered, _ = checked(feed_of(upstream).read([Slice(0, 45)]), [Slice(0, 45)], set(upstream.records))
    assert delivered == set(upstream.records)


def test_a_short_page_is_not_the_last_one() -> None:
    upstream = Upstream(map(record, range(1, 41)), page_cap=7)
    upstream.count = None
    delivered, _ = checked(feed_of(upstream).read([Slice(0, 45)]), [Slice(0, 45)], set(upstream.records))
    assert delivered == set(upstream.records)


@pytest.mark.parametrize("order", ["falling", "random"])
def test_a_server_that_sorts_otherwise_gives_all(order: str) -> None:
    """The first page has the highest id then, and whatever is below it and not on the page would be lost."""
    ids = list(range(500, 0, -1)) if order == "falling" else random.Random(1).sample(range(1, 501), 500)
    upstream = Upstream(map(record, ids), page_cap=50)
    upstream.sorts = False
    feed = feed_of(upstream)
    feed.newest_id()
    delivered, _ = checked(feed.read([Slice(0, 500)]), [Slice(0, 500)], set(ids))
    assert delivered == set(ids)


def test_a_count_that_tells_of_more_than_a_page_up_to_the_end_is_believed() -> None:
    upstream = Upstream(map(record, range(1, 41)))
    feed = feed_of(upstream)
    feed.newest_id()
    upstream.habit = lambda rows, limit: [*rows[:1], *rows[2:]] if len(rows) > 2 else rows
    delivered, _ = checked(feed.read([Slice(0, 40)]), [Slice(0, 40)], set(upstream.records))
    assert delivered == set(upstream.records)


def test_the_newest_id_of_nothing_is_0() -> None:
    assert feed_of(Upstream()).newest_id() == 0


def test_the_newest_id_may_be_that_of_a_record_that_is_rejected() -> None:
    assert feed_of(Upstream([record(5), record(9, "never")])).newest_id() == 9


def test_a_page_of_rejected_records_moves_on() -> None:
    upstream = Upstream([*(record(one, "never") for one in range(1, 12)), record(12)], page_cap=5)
    upstream.count = None
    steps = list(feed_of(upstream).read([Slice(0, 12)]))
    assert [reject.record_id for step in steps if step.page for reject in step.page.rejects] == list(range(1, 12))
    assert steps[-1].page is not None
    assert steps[-1].page.ids == [12]


def test_reading_ahead_is_bounded() -> None:
    """A slow consumer does not fill the memory with pages."""
    upstream = Upstream(map(record, range(1, 1001)), page_cap=10)
    upstream.before = lambda number: time.sleep(0.002)
    deliveries = feed_of(upstream).read([Slice(0, 1000)])
    taken = [next(deliveries) for _ in range(40)]
    seen = 0
    while seen < len(upstream.listings):
        seen = len(upstream.listings)
        time.sleep(0.05)
    deliveries.close()
    assert seen <= len(taken) + MAX_IN_FLIGHT


def test_a_reader_that_is_left_in_the_middle_waits_for_nothing() -> None:
    """Wherever it is finalized: in a thread that has just begun, waiting for other threads would never end."""
    upstream = Upstream(map(record, range(1, 1001)), page_cap=10)
    released = threading.Event()
    upstream.before = lambda number: number <= 2 or released.wait(120)
    deliveries = feed_of(upstream).read([Slice(0, 1000)])
    next(deliveries)
    next(deliveries)
    finalizer = threading.Thread(target=deliveries.close)
    finalizer.start()
    finalizer.join(60)
    waits = finalizer.is_alive()
    released.set()
    assert not waits


def test_empty_slices_cost_nothing() -> None:
    upstream = Upstream([record(1)])
    assert list(feed_of(upstream).read([Slice(5, 5), Slice(9, 3)])) == []
    assert upstream.listings == []


@given(st.integers(0, 50), st.integers(1, 50), st.integers(1, 60))
def test_cuts_of_a_slice_cover_it_without_overlap(after: int, width: int, pieces: int) -> None:
    cut = Slice(after, after + width).cut(pieces)
    assert [one for piece in cut for one in range(piece.after_id, piece.up_to_id)] == list(range(after, after + width))
    assert len(cut) == min(pieces, width)
    assert max(piece.width for piece in cut) - min(piece.width for piece in cut) <= 1


@pytest.mark.parametrize("local", ["UTC", "America/New_York", "Asia/Kathmandu", "Atlantic/Cape_Verde"])
@pytest.mark.parametrize("source", ["UTC", "Europe/Madrid", "America/Havana", "Australia/Lord_Howe"])
def test_a_day_selects_every_record_whose_local_date_it_is(source: str, local: str) -> None:
    """Also where the upstream's clock is turned back or forward, when two hours read alike or one does not exist."""
    source_zone, local_zone = ZoneInfo(source), ZoneInfo(local)
    days = [datetime(2025, month, day) for month, day in ((3, 9), (3, 30), (4, 6), (7, 1), (10, 5), (10, 26), (11, 2))]
    stamps = [(day + timedelta(minutes=30 * step)).strftime("%Y-%m-%d %X") for day in days for step in range(-100, 100)]
    upstream = Upstream(record(number, stamp) for number, stamp in enumerate(dict.fromkeys(stamps), start=1))
    feed = Feed(upstream, PageDecoder(source_zone, local_zone), source_zone)
    [newest] = [feed.newest_id()]
    [*everything] = [row for step in feed.read([Slice(0, newest)]) if step.page for row in step.page.rows]
    dated: dict[str, set[Any]] = {}
    for row in everything:
        dated.setdefault(row[-1], set()).add(row)
    for middle in days:
        for day in (middle.date() + timedelta(days=number) for number in (-1, 0, 1)):
            since, until = (datetime.combine(day + timedelta(days=number), clock_time.min, local_zone) for number in (0, 1))
            rows = [row for step in feed.read([Slice(0, newest, since, until)]) if step.page for row in step.page.rows]
            expected = dated.get(day.isoformat(), set())
            assert expected <= set(rows)
            assert len(rows) <= len(expected) + 8
