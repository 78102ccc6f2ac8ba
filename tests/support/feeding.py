"""Feeds over an upstream without HTTP and its habits, and what holds for whatever they deliver."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import strategies as st
from upstream import Upstream

from telemetry_pipeline.errors import PanAccessError
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
