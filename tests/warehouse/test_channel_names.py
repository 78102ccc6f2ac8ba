"""A view has the name that its channel had: that of the latest start before it, whenever that start came."""

from __future__ import annotations

import pytest
import sqlalchemy as sa
from warehouse_events import ZONE, check, names, start, stop, store

from telemetry_pipeline.warehouse.core.views import merge


@pytest.mark.slow
@pytest.mark.parametrize("at", range(2, 25, 2))
def test_a_start_that_arrives_in_the_middle_of_a_merge_is_no_neighbour_yet(engine: sa.Engine, at: int) -> None:
    """Half a merge that sees it takes it for the end of its neighbour's run, which then ends too early for good."""
    old = [start(record_id, "A") for record_id in (1, 3, 5, 10)]
    new, arriving, late = start(7, "B"), start(6, "C"), start(4, "D")
    store(engine, *old)
    merge(engine, ZONE)
    store(engine, new)
    other = sa.create_engine(engine.url)
    executed = iter(range(10**6))

    def arrive(*_: object) -> None:
        if next(executed) == at:
            store(other, arriving)

    sa.event.listen(engine, "before_cursor_execute", arrive)
    merge(engine, ZONE)
    sa.event.remove(engine, "before_cursor_execute", arrive)
    other.dispose()
    store(engine, arriving)
    merge(engine, ZONE)
    store(engine, late)
    merge(engine, ZONE)
    check(engine, [*old, new, arriving, late])


def test_a_stop_takes_the_name_of_the_latest_start_before_it(engine: sa.Engine) -> None:
    store(engine, start(1, "Old"), stop(2), start(3, "New"), stop(3_000), stop(4, channel=2, name="Own"), stop(5, channel=3))
    merge(engine, ZONE)
    assert names(engine) == {2: "Old", 4: "Own", 5: None, 3_000: "New"}


def test_a_stop_before_all_starts_takes_the_name_of_the_first(engine: sa.Engine) -> None:
    store(engine, stop(1, name="Stale"), start(2, "First"), start(3, "Second"))
    merge(engine, ZONE)
    assert names(engine) == {1: "First"}


def test_an_empty_name_is_no_name(engine: sa.Engine) -> None:
    """A channel called '' is one of the traps."""
    store(engine, start(1, ""), start(2, None), stop(3, name=""), stop(4, name=None))
    merge(engine, ZONE)
    assert names(engine) == {3: None, 4: None}


def test_a_renamed_channel_keeps_its_past(engine: sa.Engine) -> None:
    store(engine, start(1, "Old"), stop(2))
    merge(engine, ZONE)
    store(engine, start(10, "New"), stop(11))
    merge(engine, ZONE)
    assert names(engine) == {2: "Old", 11: "New"}


def test_a_name_that_comes_late_mends_the_views_that_waited_for_it(engine: sa.Engine) -> None:
    store(engine, stop(5, hours=0), stop(15, hours=30), start(20, "Later"))
    merge(engine, ZONE)
    assert names(engine) == {5: "Later", 15: "Later"}
    store(engine, start(3, "First"), start(10, "Second"))
    merged = merge(engine, ZONE)
    assert names(engine) == {5: "First", 15: "Second"}
    assert (merged.inserted, merged.renamed) == (0, 2)
    assert merged.days >= {stop(5).local_date, stop(15, hours=30).local_date}


def test_a_name_that_comes_late_in_the_middle_of_a_run_splits_it_between_its_neighbours(engine: sa.Engine) -> None:
    """Stops go on between the starts on both sides: each of them belongs to the last start before it, not to the run's end."""
    events = [
        *(start(record_id, "A") for record_id in range(10, 100, 10)),
        *(start(record_id, "B") for record_id in range(100, 150, 10)),
        *(start(record_id, "A") for record_id in range(150, 200, 10)),
        *(stop(record_id) for record_id in range(5, 205, 10)),
    ]
    store(engine, *events)
    merge(engine, ZONE)
    check(engine, events)
    for late in (start(52, "C"), start(124, "C"), start(123, "A"), start(58, "A"), start(1, "B")):
        store(engine, late)
        merge(engine, ZONE)
        events.append(late)
        check(engine, events)
