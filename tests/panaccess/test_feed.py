"""The feed delivers what the upstream has, whatever its habits, and says truly how far it has come."""

from __future__ import annotations

import itertools
import random
import threading
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from datetime import time as clock_time
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from upstream import Upstream

from telemetry_pipeline.errors import LoginRejected, MalformedAnswer, PanAccessError, PanAccessUnavailable
from telemetry_pipeline.sources.panaccess import feed as feed_module
from telemetry_pipeline.sources.panaccess.calls.transport import MAX_IN_FLIGHT
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.sources.panaccess.slices import Delivery, Slice

UTC = ZoneInfo("UTC")
HABITS = {
    "none": lambda rows, limit: rows,
    "duplicates": lambda rows, limit: [*rows[:1], *rows][:limit],
    "many duplicates": lambda rows, limit: [row for row in rows for _ in range(3)][:limit],
    "one in place of another": lambda rows, limit: [*rows[:1], *rows[:1], *rows[2:]],
    "reversed": lambda rows, limit: rows[::-1],
    "shuffled duplicates": lambda rows, limit: random.Random(1).sample(
        [*rows[:2], *rows][:limit], k=min(limit, len(rows) + len(rows[:2]))
    ),
}


def record(record_id: int, stamp: str = "2025-01-01 00:00:00") -> dict[str, Any]:
    return {"recordId": record_id, "timestamp": stamp}


def feed_of(upstream: Upstream, zone: ZoneInfo = UTC) -> Feed:
    return Feed(upstream, PageDecoder(zone, UTC), zone)


@pytest.fixture
def pages_of_five() -> Iterator[None]:
    with mock.patch.object(feed_module, "PAGE_SIZE", 5):
        yield


def checked(deliveries: Iterator[Delivery], slices: list[Slice], present: set[int]) -> tuple[set[int], set[int]]:
    """The ids delivered and those missing; after every step, all that lies behind it must be one of the two."""
    delivered: set[int] = set()
    missing: set[int] = set()
    number = 0
    through = slices[0].after_id if slices else 0
    for delivery in deliveries:
        while delivery.slice.after_id >= slices[number].up_to_id or delivery.slice.up_to_id <= slices[number].after_id:
            number += 1
            through = slices[number].after_id
        if delivery.page:
            assert len(delivery.page.ids) == len(set(delivery.page.ids))
            delivered.update(delivery.page.ids)
        if delivery.missing:
            missing.update(range(delivery.missing.first_id, delivery.missing.last_id + 1))
        assert through <= delivery.through_id <= slices[number].up_to_id
        through = delivery.through_id
        behind = {
            record_id
            for place, one in enumerate(slices[: number + 1])
            for record_id in present
            if one.after_id < record_id <= (through if place == number else one.up_to_id)
        }
        assert behind <= delivered | missing
    assert number == len(slices) - 1
    assert not slices or through == slices[-1].up_to_id
    return delivered, missing


def until_it_fails(deliveries: Iterator[Delivery]) -> tuple[list[Delivery], PanAccessError | None]:
    steps: list[Delivery] = []
    try:
        steps.extend(deliveries)
    except PanAccessError as err:
        return steps, err
    return steps, None


@st.composite
def upstreams(draw: st.DrawFn) -> Upstream:
    upstream = Upstream(map(record, draw(st.sets(st.integers(1, 90), max_size=60))), page_cap=draw(st.integers(1, 7)))
    upstream.count = draw(st.sampled_from(["total", "page", None]))
    habits = HABITS if upstream.count == "total" else {"none", "reversed"}
    # A page of one row that comes twice shows one row for ever: there is nothing else that could be done.
    upstream.habit = HABITS[draw(st.sampled_from(sorted(habits)))]
    return upstream


@st.composite
def slices_of(draw: st.DrawFn) -> list[Slice]:
    bounds = sorted(draw(st.sets(st.integers(0, 100), min_size=2, max_size=8)))
    slices = [Slice(low, high) for low, high in itertools.pairwise(bounds)]
    kept = [piece for piece in slices if draw(st.integers(0, 3))]
    return kept or slices[:1]


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


@given(upstreams(), st.data())
@settings(max_examples=150, deadline=None)
@pytest.mark.usefixtures("pages_of_five")
def test_ids_that_fail_are_missing_and_their_neighbours_are_delivered(upstream: Upstream, data: st.DataObject) -> None:
    upstream.add([record(100)])
    present = set(upstream.records)
    kinds = st.sampled_from(["error", "refused", "malformed"])
    upstream.poisoned = data.draw(st.dictionaries(st.sampled_from(sorted(present - {100}) or [90]), kinds, max_size=6))
    poisoned = set(upstream.poisoned) & present
    steps: list[Delivery] = []
    deliveries = feed_of(upstream).read([Slice(0, 100)])

    def kept() -> Iterator[Delivery]:
        for step in deliveries:
            steps.append(step)
            yield step

    delivered, missing = checked(kept(), [Slice(0, 100)], present)
    assert (delivered, missing) == (present - poisoned, poisoned)
    for step in steps:
        if step.missing:
            assert step.missing.first_id == step.missing.last_id
            raw = step.missing.raw
            assert bool(raw) == (upstream.poisoned[step.missing.first_id] == "malformed")
    assert not steps[-1].unfinished


@pytest.mark.parametrize("slices", [[Slice(6, 7)], [Slice(5, 8)], [Slice(0, 6), Slice(6, 7), Slice(7, 20)]])
@pytest.mark.parametrize("kind", ["error", "refused", "malformed"])
def test_an_id_that_fails_is_missing_also_when_it_is_all_that_is_asked_for(slices: list[Slice], kind: str) -> None:
    """Otherwise the sync would stand before it for ever."""
    upstream = Upstream(map(record, [*range(1, 6), 7, 9, 20]))
    upstream.poisoned = {7: kind}
    steps = list(feed_of(upstream).read(slices))
    [missing] = [step.missing for step in steps if step.missing]
    assert (missing.first_id, missing.last_id) == (7, 7)


def test_the_raw_text_of_a_malformed_answer_goes_with_the_missing_id() -> None:
    upstream = Upstream(map(record, range(1, 10)))
    upstream.poisoned = {4: "malformed"}
    [missing] = [step.missing for step in feed_of(upstream).read([Slice(0, 9)]) if step.missing]
    assert missing.raw == '{"success": true, "answer": {"telemetryRecordEntries": [\\x00\\xff'
    assert isinstance(missing.error, MalformedAnswer)


def test_a_page_that_fails_is_tried_three_times_before_it_is_narrowed_down() -> None:
    upstream = Upstream(map(record, range(1, 9)))
    upstream.poisoned = {1: "error"}
    list(feed_of(upstream).read([Slice(0, 8)]))
    bounds = [
        tuple(int(rule["data"]) for rule in listing["newFilters"]["filters"][0]["rules"])
        for listing in upstream.listings
        if "newFilters" in listing
    ]
    assert [bound for bound in bounds if bound != (7, 8)] == [(0, 8)] * 3 + [
        (0, 4),
        (0, 2),
        (0, 1),
        (1, 2),
        (2, 4),
        (4, 8),
    ]


@pytest.mark.parametrize("fails_from", range(1, 12))
@pytest.mark.usefixtures("pages_of_five")
def test_an_upstream_that_goes_down_raises_and_loses_nothing(fails_from: int) -> None:
    """At whatever moment, also while a page is narrowed down: nothing is called missing that only the outage hides."""
    upstream = Upstream(map(record, range(1, 41)))
    upstream.poisoned = {8: "error"}

    def goes_down(number: int) -> None:
        upstream.down = number >= fails_from

    upstream.before = goes_down
    steps, error = until_it_fails(feed_of(upstream).read([Slice(0, 40)]))
    assert isinstance(error, PanAccessUnavailable)
    delivered: set[int] = set()
    missing: set[int] = set()
    for step in steps:
        delivered.update(step.page.ids if step.page else ())
        missing.update({step.missing.first_id} if step.missing else ())
        assert set(range(1, step.through_id + 1)) <= delivered | missing
    assert missing <= {8}


def test_an_upstream_that_gives_no_filtered_page_raises() -> None:
    """Its newest id alone proves nothing: else every id would be called missing."""
    upstream = Upstream(map(record, range(1, 41)))
    feed = feed_of(upstream)
    assert feed.newest_id() == 40
    upstream.habit = lambda rows, limit: rows if limit == 1 else None  # type: ignore[return-value,assignment]
    upstream.before = lambda number: setattr(upstream, "down", "newFilters" in upstream.listings[number - 1])
    with pytest.raises(PanAccessUnavailable):
        list(feed.read([Slice(0, 40)]))
    assert len(upstream.listings) < 10


def test_a_rejected_login_is_not_narrowed_down() -> None:
    upstream = Upstream(map(record, range(1, 41)))

    def refuse(number: int) -> None:
        raise LoginRejected("no")

    upstream.before = refuse
    with pytest.raises(LoginRejected):
        list(feed_of(upstream).read([Slice(0, 40)]))
    assert len(upstream.listings) == 1


@pytest.mark.parametrize("count", ["total", "page", None])
@pytest.mark.usefixtures("pages_of_five")
def test_filters_that_the_server_ignores_are_noticed(count: str | None) -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.filters = False
    upstream.count = count
    steps, error = until_it_fails(feed_of(upstream).read([Slice(0, 40)]))
    assert "ignored the filter on recordId: asked for ids above" in str(error)
    assert "PANACCESS_ENCODING" in str(error)
    assert not any(step.missing for step in steps)
    assert {one for step in steps if step.page for one in step.page.ids} <= set(range(1, 6))
    assert len(upstream.listings) < 30


def test_ids_beyond_the_slice_are_noticed() -> None:
    upstream = Upstream(map(record, range(1, 41)))
    upstream.filters = False
    with pytest.raises(PanAccessError, match=r"asked for ids above .*, got 1 to 40"):
        list(feed_of(upstream).read([Slice(0, 20)]))


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
    upstream.before = lambda number: number <= 2 or released.wait(30)
    deliveries = feed_of(upstream).read([Slice(0, 1000)])
    next(deliveries)
    next(deliveries)
    finalizer = threading.Thread(target=deliveries.close)
    finalizer.start()
    finalizer.join(5)
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
    for middle in days:
        for day in (middle.date() + timedelta(days=number) for number in (-1, 0, 1)):
            since, until = (datetime.combine(day + timedelta(days=number), clock_time.min, local_zone) for number in (0, 1))
            rows = [row for step in feed.read([Slice(0, newest, since, until)]) if step.page for row in step.page.rows]
            expected = [row for row in everything if row[-1] == day.isoformat()]
            assert set(expected) <= set(rows)
            assert len(rows) <= len(expected) + 8
