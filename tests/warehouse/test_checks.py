"""What the checks count: every fault that is there, and nothing where there is none."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import NOON, ZONE, Event, start, stop, store

from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.operations import checks
from telemetry_pipeline.warehouse.operations.checks import RECENT_IDS, Beyond, FutureViews, Share
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import Batch, Rejected

DAY = stop(1).local_date
NEXT_DAY = DAY + timedelta(days=1)


def found(engine: sa.Engine, check: Callable[..., Any], *args: Any, **options: Any) -> Any:
    with snapshot(engine) as connection:
        return check(connection, *args, **options)


def execute(engine: sa.Engine, statement: str, **parameters: Any) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement), parameters)


def move_cursor(engine: sa.Engine, cursor: int) -> None:
    execute(engine, "update telemetry.sync_state set cursor = :cursor", cursor=cursor)


def reject(engine: sa.Engine, *payloads: str) -> None:
    with records.writing(engine) as connection:
        records.store(connection, Batch(rejected=[Rejected(None, payload, "unreadable") for payload in payloads]))


@pytest.mark.parametrize(
    ("minutes", "expected"),
    [
        pytest.param(-60, 0, id="of the past"),
        pytest.param(59, 0, id="a clock that is ahead by less than an hour"),
        pytest.param(61, 1, id="more than an hour from now"),
    ],
)
def test_records_of_more_than_an_hour_from_now_are_of_the_future(engine: sa.Engine, minutes: int, expected: int) -> None:
    store(engine, stop(1), stop(2), stop(3))
    execute(
        engine,
        "update telemetry.records set timestamp = now() + make_interval(mins => :minutes) where record_id = 2",
        minutes=minutes,
    )
    assert found(engine, checks.future_records) == Share(expected, 3)


def test_records_of_the_future_are_looked_for_among_the_newest_only(engine: sa.Engine) -> None:
    store(engine, stop(1), stop(2))
    execute(engine, "update telemetry.records set timestamp = now() + interval '1 day'")
    move_cursor(engine, RECENT_IDS + 1)
    assert found(engine, checks.future_records) == Share(1, 1)


def test_where_nothing_is_stored_nothing_is_wrong(engine: sa.Engine) -> None:
    assert found(engine, checks.future_records) == Share(0, 0)
    assert found(engine, checks.rejected_records) == Share(0, 0)
    assert found(engine, checks.future_views) == FutureViews(Share(0, 0), 0, [])
    assert found(engine, checks.merged_stops, DAY, DAY) == 0
    assert found(engine, checks.unnamed_views, DAY, DAY) == Share(0, 0)
    assert found(engine, checks.watched_beyond, [DAY], [4]) == {4: Beyond(4, Share(0, 0), Share(0, 0))}


@pytest.mark.parametrize(
    ("share", "percent"),
    [
        pytest.param(Share(0, 0), 0, id="of nothing"),
        pytest.param(Share(0, 4), 0, id="none"),
        pytest.param(Share(1, 4), 25, id="some"),
        pytest.param(Share(4, 4), 100, id="all"),
    ],
)
def test_a_share_is_a_percentage(share: Share, percent: float) -> None:
    assert share.percent == percent


def test_without_rejected_records_there_is_no_share_of_them(engine: sa.Engine) -> None:
    store(engine, stop(1), stop(2))
    assert found(engine, checks.rejected_records) == Share(0, 2)


def test_rejected_records_are_a_share_of_all_that_came_with_them_whatever_day_it_is_of(engine: sa.Engine) -> None:
    """Just after midnight there are few records of the day, and the rejected ones of the evening are not among them."""
    store(engine, stop(1), stop(2), stop(3, hours=-2_000))
    reject(engine, "a")
    assert found(engine, checks.rejected_records) == Share(1, 4)


@pytest.mark.parametrize(("hours_ago", "expected"), [(22, Share(2, 5)), (25, Share(1, 2))], ids=["within 24 hours", "before"])
def test_what_came_more_than_a_day_ago_counts_on_neither_side(engine: sa.Engine, hours_ago: int, expected: Share) -> None:
    store(engine, stop(1), stop(2))
    reject(engine, "a")
    execute(engine, "update telemetry.receipts set hour = hour - make_interval(hours => :hours)", hours=hours_ago)
    store(engine, stop(3))
    reject(engine, "b")
    assert found(engine, checks.rejected_records) == expected


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        pytest.param(stop(1), 1, id="a stop"),
        pytest.param(stop(1, channel=None), 0, id="a stop without a channel"),
        pytest.param(start(1, "A"), 0, id="a start"),
        pytest.param(Event(1, 5), 0, id="another action"),
        pytest.param(stop(1, hours=24), 0, id="a stop of another day"),
    ],
)
def test_merged_stops_are_stops_with_a_channel_of_the_days(engine: sa.Engine, event: Event, expected: int) -> None:
    store(engine, event)
    merge(engine, ZONE)
    assert found(engine, checks.merged_stops, DAY, DAY) == expected


def test_a_stop_that_was_merged_is_one_whatever_is_stored_around_it(engine: sa.Engine) -> None:
    """What waits is kept in ranges of ids, whose holes may hold what was merged before."""
    store(engine, stop(250))
    merge(engine, ZONE)
    store(engine, stop(100), stop(400))
    assert found(engine, checks.merged_stops, DAY, DAY) == 1


def test_a_stop_that_waits_for_a_merge_is_not_a_merged_one(engine: sa.Engine) -> None:
    store(engine, stop(1), stop(2))
    assert found(engine, checks.merged_stops, DAY, DAY) == 0
    merge(engine, ZONE)
    store(engine, stop(3), stop(4), stop(5))
    assert found(engine, checks.merged_stops, DAY, DAY) == 2
    merge(engine, ZONE)
    assert found(engine, checks.merged_stops, DAY, DAY) == 5


def test_views_whose_channel_nobody_named_are_counted_among_the_views(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), stop(2), stop(3, channel=9), stop(4, channel=9), stop(5))
    merge(engine, ZONE)
    assert found(engine, checks.unnamed_views, DAY, DAY) == Share(2, 4)


def test_views_of_other_days_do_not_count(engine: sa.Engine) -> None:
    store(engine, start(1, "A"), stop(2), stop(3, channel=9, hours=24), stop(4, channel=9, hours=24))
    merge(engine, ZONE)
    execute(engine, "update telemetry.views set excluded = 'duplicate' where record_id = 4")
    assert found(engine, checks.unnamed_views, DAY, DAY) == Share(0, 1)
    assert found(engine, checks.unnamed_views, NEXT_DAY, NEXT_DAY) == Share(2, 2)
    assert found(engine, checks.repeated_views, [NEXT_DAY]) == Share(1, 2)
    assert found(engine, checks.repeated_views, [DAY, NEXT_DAY]) == Share(1, 3)


def test_views_of_the_future_are_counted_and_the_newest_listed(engine: sa.Engine) -> None:
    """Of any day, for nobody looks at next week."""
    ahead = datetime.now(UTC) + timedelta(days=30)
    batch = Batch(received_at=NOON)
    batch.add([stop(number, hours=(ahead - NOON) // timedelta(hours=1)).row for number in range(1, 31)])
    with records.writing(engine) as connection:
        records.store(connection, batch)
    store(engine, start(31, "A"), stop(32), stop(33))
    merge(engine, ZONE)
    future = found(engine, checks.future_views)
    assert (future.recent, future.total) == (Share(30, 32), 30)
    assert [row["record_id"] for row in future.newest] == list(range(30, 20, -1))
    assert future.newest[0]["channel_name"] == "A"
    assert future.newest[0]["received_at"] == NOON
    move_cursor(engine, RECENT_IDS + 30)
    future = found(engine, checks.future_views)
    assert (future.recent, future.total) == (Share(0, 2), 30)


def test_what_lies_beyond_some_hours_is_a_share_of_the_watch_time_that_counts(engine: sa.Engine) -> None:
    hours = [1, 4, 10, None, 20, 0]
    store(engine, *(stop(number, duration=None if one is None else one * 3600) for number, one in enumerate(hours, 1)))
    store(engine, stop(50, hours=24, duration=3600 * 99), stop(51, duration=3600 * 99))
    merge(engine, ZONE)
    execute(engine, "update telemetry.views set excluded = 'duplicate' where record_id = 51")
    assert found(engine, checks.watched_beyond, [DAY], [4, 30, 0.5]) == {
        0.5: Beyond(0.5, Share(4, 5), Share(33 * 3600, 35 * 3600)),
        4: Beyond(4, Share(2, 5), Share(22 * 3600, 35 * 3600)),
        30: Beyond(30, Share(0, 5), Share(0, 35 * 3600)),
    }


def test_freshness_is_unknown_before_a_sync_and_that_of_the_last_one_after_it(engine: sa.Engine) -> None:
    assert checks.read_freshness(engine) == checks.Freshness(None, None)
    synced_at, received_at = (NOON - timedelta(hours=n) for n in (1, 2))
    execute(
        engine,
        "update telemetry.sync_state set synced_at = :synced_at, received_at = :received_at",
        synced_at=synced_at,
        received_at=received_at,
    )
    assert checks.read_freshness(engine) == checks.Freshness(synced_at, received_at)
