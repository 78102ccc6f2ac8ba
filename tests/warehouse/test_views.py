"""Merging: views are what a plain reading of their definition says, however the records came and whenever they were merged."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from warehouse_events import (
    NOON,
    START,
    STOP,
    ZONE,
    Event,
    check,
    clear,
    names,
    select,
    start,
    stop,
    store,
    views,
)

from telemetry_pipeline.errors import Cancelled
from telemetry_pipeline.warehouse.core.views import DayTotals, Merged, merge, totals_by_day
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch


def state(engine: sa.Engine) -> list[list[tuple[Any, ...]]]:
    return [
        select(engine, f"select * from telemetry.{table} order by 1, 3")
        for table in ("views", "channel_names", "pending_merges")
    ]


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[Event], list[tuple[str, Any]]]:
    """Records, and in which portions they are stored and when they are merged."""
    # Ids close together are merged as one range, ids far apart each for itself.
    spacing = draw(st.sampled_from([1, 1, 400, 1500]))
    ids = draw(st.lists(st.integers(1, 40), unique=True, min_size=1, max_size=30))
    events = [
        Event(
            number * spacing,
            draw(st.sampled_from([START, START, STOP, STOP, STOP, 5])),
            draw(st.sampled_from([1, 1, 1, 2, None])),
            draw(st.sampled_from(["A", "A", "B", "C", "", None])),
            draw(st.sampled_from([None, -5, 0, 60, 90_000, 2**31 - 1])),
            draw(st.integers(0, 80)),
        )
        for number in ids
    ]
    portions = [draw(st.integers(0, 4)) for _ in events]
    steps: list[tuple[str, Any]] = []
    for portion in range(5):
        steps.append(("store", [event for event, place in zip(events, portions, strict=True) if place == portion]))
        for _ in range(draw(st.integers(0, 2))):
            days = sorted(NOON.date() + timedelta(days=draw(st.integers(-1, 4))) for _ in range(2))
            steps.append(("merge", draw(st.sampled_from([None, None, (days[0], days[1])]))))
    return events, steps


@given(histories())
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.slow
def test_views_are_what_their_definition_says_in_whatever_order_records_come(
    pooled: sa.Engine, history: tuple[list[Event], list[tuple[str, Any]]]
) -> None:
    """Stored in any portions and order, merged in between or not, days rebuilt or not."""
    clear(pooled)
    events, steps = history
    there: list[Event] = []
    for act, argument in steps:
        if act == "store":
            store(pooled, *argument)
            there += argument
        else:
            merge(pooled, ZONE, rebuild=argument)
            check(pooled, there)
    merge(pooled, ZONE)
    check(pooled, events)
    again = merge(pooled, ZONE)
    assert (again.inserted, again.renamed) == (0, 0)
    check(pooled, events)


@given(histories(), st.integers(0, 30))
@example(([start(2, "A"), start(4, "A"), start(30, "A"), start(20, "B"), stop(25), stop(5), stop(3)], []), 12)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.slow
def test_records_that_arrive_in_the_middle_of_a_merge_are_merged_by_the_next(
    pooled: sa.Engine, history: tuple[list[Event], list[tuple[str, Any]]], at: int
) -> None:
    """A merge is many statements: between any two of them the sync may store a batch."""
    clear(pooled)
    events, _ = history
    portions = [events[::4], events[1::4], events[2::4], events[3::4]]
    other = sa.create_engine(pooled.url)
    arriving: list[list[Event]] = []
    executed = iter(range(10**6))

    def arrive(*_: object) -> None:
        if arriving and next(executed) >= at:
            store(other, *arriving.pop())

    sa.event.listen(pooled, "before_cursor_execute", arrive)
    try:
        store(pooled, *portions[0])
        merge(pooled, ZONE)
        for portion, next_one in ((portions[1], portions[2]), (portions[3], [])):
            store(pooled, *portion)
            executed = iter(range(10**6))
            arriving = [next_one]
            merge(pooled, ZONE)
            arriving = []
            merge(pooled, ZONE)
        for portion in portions:
            store(pooled, *portion)
        merge(pooled, ZONE)
        check(pooled, events)
    finally:
        sa.event.remove(pooled, "before_cursor_execute", arrive)
        other.dispose()


def rows_by_day(engine: sa.Engine, days: list[date]) -> dict[date, int]:
    return {day: totals.rows for day, totals in totals_by_day(engine, days).items()}


def test_a_day_has_all_its_views_but_those_that_do_not_count_are_in_no_total(engine: sa.Engine) -> None:
    store(engine, stop(1, duration=1800), stop(2, duration=3600), stop(3, duration=7200), stop(4))
    merge(engine, ZONE)
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.views set excluded = 'duplicate' where record_id = 3"))
        connection.execute(sa.text("update telemetry.views set duration_seconds = null where record_id = 4"))
    assert totals_by_day(engine, [date(2025, 1, 30)]) == {date(2025, 1, 30): DayTotals(rows=4, views=2, watch_hours=1.5)}


def test_a_merge_says_what_it_did(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), stop(2), stop(3, hours=24), Event(4, 5))
    assert merge(engine, ZONE) == Merged(inserted=2, renamed=0, days={date(2025, 1, 30), date(2025, 1, 31)})
    assert merge(engine, ZONE) == Merged()
    assert rows_by_day(engine, [date(2025, 1, 30), date(2025, 1, 31), date(2025, 2, 1)]) == {
        date(2025, 1, 30): 1,
        date(2025, 1, 31): 1,
    }


def test_a_merge_takes_what_the_sync_stored_whatever_the_cursor_says(engine: sa.Engine) -> None:
    """Handed the sync's new highest id as its lower bound, a merge merges nothing."""
    for first in (1, 100):
        batch = Batch(cursor=first + 50)
        batch.add([stop(record_id).row for record_id in range(first, first + 50)])
        with records.writing(engine) as connection:
            records.store(connection, batch)
        assert merge(engine, ZONE).inserted == 50
    assert len(views(engine)) == 100


def test_a_late_stop_far_below_the_others_is_merged(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), *(stop(record_id) for record_id in range(100_000, 100_050)))
    merge(engine, ZONE)
    store(engine, stop(50, hours=-2_000))
    assert merge(engine, ZONE).inserted == 1
    assert names(engine)[50] == "A"


@pytest.mark.parametrize("rebuild", [None, (date(2025, 1, 30), date(2025, 1, 30))])
def test_a_merge_that_is_broken_off_changes_nothing(engine: sa.Engine, rebuild: tuple[date, date] | None) -> None:
    events = [start(1, "A"), stop(2), stop(3, hours=40)]
    store(engine, *events)
    merge(engine, ZONE)
    more = [start(4, "B"), stop(5), start(2_000, "C"), stop(2_001, hours=800)]
    store(engine, *more)
    before = state(engine)

    def checkpoint() -> None:
        raise Cancelled("the run was ended")

    with pytest.raises(Cancelled):
        merge(engine, ZONE, rebuild=rebuild, checkpoint=checkpoint)
    assert state(engine) == before
    merge(engine, ZONE, rebuild=rebuild)
    check(engine, [*events, *more])


def test_a_rebuild_mends_its_days_and_no_others(engine: sa.Engine) -> None:
    events = [start(1, "A"), *(stop(record_id, hours=24 * (record_id % 4)) for record_id in range(2, 42))]
    store(engine, *events)
    merge(engine, ZONE)
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.views set channel_name = 'wrong' where local_date <= '2025-01-31'"))
        connection.execute(sa.text("delete from telemetry.views where record_id in (3, 4, 5, 6)"))
    merged = merge(engine, ZONE, rebuild=(date(2025, 1, 31), date(2025, 2, 1)))
    assert merged.inserted == 20
    assert rows_by_day(engine, [date(2025, 1, 30) + timedelta(days=number) for number in range(4)]) == {
        date(2025, 1, 30): 9,
        date(2025, 1, 31): 10,
        date(2025, 2, 1): 10,
        date(2025, 2, 2): 9,
    }
    wrong = {day for (day,) in select(engine, "select local_date from telemetry.views where channel_name = 'wrong'")}
    assert wrong == {date(2025, 1, 30)}


def test_two_merges_at_once_are_one(engine: sa.Engine) -> None:
    events = [start(1, "A"), *(stop(record_id, hours=record_id % 90) for record_id in range(2, 3_000))]
    store(engine, *events)
    together = threading.Barrier(3)

    def one(_: int) -> int:
        together.wait()
        return merge(engine, ZONE, rebuild=(date(2025, 1, 30), date(2025, 1, 31))).inserted

    with ThreadPoolExecutor(3) as pool:
        inserted = sorted(pool.map(one, range(3)))
    assert inserted[-1] == len(events) - 1
    check(engine, events)


def test_a_merge_of_nothing_is_no_error(engine: sa.Engine) -> None:
    assert merge(engine, ZONE) == Merged()
    assert merge(engine, ZONE, rebuild=(date(2025, 1, 1), date(2025, 1, 2))).inserted == 0
    assert totals_by_day(engine, [date(2025, 1, 1)]) == {}


def test_hours_and_dates_are_the_operators(engine: sa.Engine) -> None:
    """Across the change of a clock, too: New York's on 2025-03-09 at 2 a.m., which is 7:00 UTC."""
    moments = [datetime(2025, 3, 9, hour, 30, tzinfo=UTC) for hour in (4, 5, 6, 7, 8)]
    zone = ZoneInfo("America/New_York")
    batch = Batch()
    for number, moment in enumerate(moments):
        event = stop(number, hours=0).row
        values = dict(zip(COLUMNS, event, strict=True))
        values |= {"timestamp": moment.isoformat(), "local_date": moment.astimezone(zone).date().isoformat()}
        batch.add([tuple(values.values())])
    with records.writing(engine) as connection:
        records.store(connection, batch)
    merge(engine, "America/New_York")
    found = select(engine, "select local_date, local_hour from telemetry.views order by record_id")
    assert found == [(moment.astimezone(zone).date(), moment.astimezone(zone).hour) for moment in moments]
    assert [hour for _, hour in found] == [23, 0, 1, 3, 4]
