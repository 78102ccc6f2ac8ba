"""Merging: views are what a plain reading of their definition says, however the records came and whenever they were merged."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from terminal import wait_until
from warehouse_events import NOON, START, STOP, ZONE, Event, names, oracle, runs_of, select, start, stop, store, views

from telemetry_pipeline.errors import Cancelled
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.views import DayTotals, Merged, merge, totals_by_day
from telemetry_pipeline.warehouse.db.partitions import keep_months
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch

_BY_ROW = """
    select local_date, local_hour, ended_at at time zone 'UTC' as ended_at, duration_seconds, channel_name, subscriber_code,
           device_id, country, isp
    from telemetry.views order by local_date, record_id
"""


def check(engine: sa.Engine, events: list[Event]) -> None:
    assert views(engine) == oracle(events)
    by_column = segments.read(engine, date.min, date.max).table.to_pylist()
    assert by_column == [row._asdict() for row in select(engine, _BY_ROW)]
    assert select(engine, "select * from telemetry.channel_names order by channel_id, first_record_id") == runs_of(events)


def state(engine: sa.Engine) -> list[list[tuple[Any, ...]]]:
    return [
        select(engine, f"select * from telemetry.{table} order by 1, 3")
        for table in ("views", "channel_names", "pending_merges")
    ]


@pytest.fixture
def pooled(engine: sa.Engine) -> Iterator[sa.Engine]:
    """The same database over connections that stay open and wait for no disk, for many examples."""
    kept = sa.create_engine(engine.url, connect_args={"options": "-c synchronous_commit=off"})
    yield kept
    kept.dispose()


def clear(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for table in ("records", "views", "channel_names", "pending_merges", "view_days", "view_segments"):
            connection.execute(sa.text(f"delete from telemetry.{table}"))


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
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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
@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


_SEED = """
    insert into telemetry.records (record_id, action_id, data_id, data_name, duration_seconds, timestamp, local_date)
    select number * 2, 7 + number % 2, number / 2 % 50, case when number % 2 = 0 then 'name ' || number / 2 % 50 end,
           60, timestamp '2025-01-01' + number * interval '90 days' / :size,
           (timestamp '2025-01-01' + number * interval '90 days' / :size)::date
    from generate_series(1, :size) as number
"""
_READ = """
    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) from pg_stat_user_tables
    where schemaname = 'telemetry' and (relname like 'records%' or relname like 'views%')
"""
_BUSY = """
    select count(*) from pg_stat_activity
    where datname = current_database() and pid <> pg_backend_pid() and backend_type in ('client backend', 'parallel worker')
"""


def rows_read(engine: sa.Engine) -> int:
    """How many rows of records and views were read since the beginning, once everybody else has reported."""
    with engine.connect() as connection:
        wait_until(lambda: not refreshed(connection, _BUSY), seconds=30)
        return refreshed(connection, _READ)


def refreshed(connection: sa.Connection, count: str) -> int:
    connection.execute(sa.text("select pg_stat_clear_snapshot()"))
    return int(connection.scalar(sa.text(count)))


def seeded(engine: sa.Engine, size: int) -> int:
    """Merge a history; gives its highest id."""
    keep_months(engine, date(2025, 1, 1))
    with engine.begin() as connection:
        connection.execute(sa.text(_SEED), {"size": size})
        connection.execute(
            sa.text("insert into telemetry.pending_merges (first_record_id, last_record_id, days) values (2, :last, :days)"),
            {"last": 2 * size, "days": [date(2025, 1, 1), date(2025, 4, 1)]},
        )
    assert merge(engine, ZONE).inserted == size // 2
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze telemetry.records, telemetry.views"))
    return 2 * size


INCREMENTS: dict[str, Callable[[int], list[Event]]] = {
    "new records": lambda newest: [
        Event(
            newest + number,
            7 + number % 2,
            number // 2 % 50,
            f"name {number // 2 % 50}" if number % 2 == 0 else None,
            60,
            1_440,
        )
        for number in range(1, 1_001)
    ],
    "late ids": lambda newest: [
        Event(newest - 2 * number + 1, 7 + number % 2, number // 2 % 50, f"name {number // 2 % 50}", 60, 1_400)
        for number in range(1, 1_001)
    ],
    "new names": lambda newest: [
        Event(newest + number, 7 + number % 2, number // 2 % 50, f"another name {number // 2 % 50}", 60, 1_440)
        for number in range(1, 1_001)
    ],
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", INCREMENTS)
def test_an_increment_costs_what_is_new_and_not_what_is_there(
    engine: sa.Engine, postgres_url: str, kind: str, database_url: str
) -> None:
    """Counted in rows that PostgreSQL reads of records and views: by time it could not be told from noise."""
    reads = []
    for size in (10_000, 100_000):
        clear(engine)
        newest = seeded(engine, size)
        store(engine, *INCREMENTS[kind](newest))
        before = rows_read(engine)
        assert merge(engine, ZONE).inserted == 500
        reads.append(rows_read(engine) - before)
    small, large = reads
    assert 500 <= small < 10_000
    assert large <= 1.2 * small + 100
