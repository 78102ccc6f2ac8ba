"""What the upstream cannot give is missing and nothing else, and what it must not give ends the feed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from feeding import checked, feed_of, record, until_it_fails, upstreams
from hypothesis import given, settings
from hypothesis import strategies as st
from upstream import Upstream

from telemetry_pipeline.errors import LoginRejected, MalformedAnswer, PanAccessError, PanAccessUnavailable
from telemetry_pipeline.sources.panaccess.slices import Delivery, Slice


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
