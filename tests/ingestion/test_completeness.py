"""What a sync leaves on record of days: complete by what it read and when it began, never by what time it is."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from syncing import DAYS, MEXICO, TODAY, make_gaps_due, record, rows, stops_after, sync_of, time_limited
from upstream import Upstream

from telemetry_pipeline.days import Completeness
from telemetry_pipeline.errors import PanAccessError
from telemetry_pipeline.warehouse.raw import completeness

YESTERDAY = DAYS[-2]
NOON = datetime(2025, 3, 6, 12, tzinfo=MEXICO)
MIDNIGHT = datetime(2025, 3, 6, tzinfo=MEXICO)


def synced(
    engine: sa.Engine, upstream: Upstream, now: datetime = NOON, first: date = TODAY, last: date = TODAY, **options: Any
) -> Any:
    """One step that begins at *now*; with its day among the days, it is one of the live edge."""
    step = sync_of(engine, upstream, now=lambda: now, **options)
    position = options.pop("position", None)
    return step, step.run(first, last, includes_today=last >= now.astimezone(MEXICO).date(), position=position)


def known(engine: sa.Engine) -> Completeness:
    with engine.begin() as connection:
        connection.execute(
            sa.text("insert into telemetry.view_days (local_date, version) values ('2025-01-01', 1) on conflict do nothing")
        )
        return completeness.read(connection)


def test_a_sync_that_read_everything_completes_the_days_before_it_began(engine: sa.Engine) -> None:
    synced(engine, Upstream([record(1, YESTERDAY), record(2)]))
    assert known(engine).known_until == NOON
    assert known(engine).is_complete(YESTERDAY)
    assert not known(engine).is_complete(TODAY)


@pytest.mark.parametrize(("seconds", "complete"), [(-1, False), (0, True)], ids=["before midnight", "at midnight"])
def test_a_day_is_complete_only_by_a_sync_that_began_after_its_end(engine: sa.Engine, seconds: int, complete: bool) -> None:
    """It is the operator's midnight, and the beginning that counts: what came later may have been missed."""
    began = MIDNIGHT + timedelta(seconds=seconds)
    clock = iter([began.astimezone(UTC)])
    step = sync_of(engine, Upstream([record(1, YESTERDAY)]), now=lambda: next(clock))
    step.run(TODAY, TODAY, includes_today=True)
    assert known(engine).is_complete(YESTERDAY) is complete


def test_everything_that_is_read_was_there_at_the_moment_of_its_reception(engine: sa.Engine) -> None:
    asked: list[str] = []
    upstream = Upstream([record(1)])
    upstream.before = lambda number: asked.append("upstream")

    def now() -> datetime:
        asked.append("clock")
        return NOON

    sync_of(engine, upstream, now=now).run(TODAY, TODAY, includes_today=True)
    assert asked[:2] == ["clock", "upstream"]
    assert "clock" not in asked[1:]
    assert rows(engine, "select received_at from telemetry.records") == [NOON]


def test_the_moment_that_is_known_follows_receipts_and_not_the_clock(engine: sa.Engine) -> None:
    upstream = Upstream([record(1)])
    synced(engine, upstream)
    synced(engine, upstream, NOON + timedelta(hours=1))
    assert known(engine).known_until == NOON
    upstream.add([record(2)])
    synced(engine, upstream, NOON + timedelta(hours=2))
    assert known(engine).known_until == NOON + timedelta(hours=2)


def test_where_nothing_was_ever_received_nothing_is_known(engine: sa.Engine) -> None:
    synced(engine, Upstream())
    assert known(engine).known_until is None


def test_a_day_that_ended_without_another_record_is_complete(engine: sa.Engine) -> None:
    upstream = Upstream([record(1)])
    synced(engine, upstream)
    step, _ = synced(engine, upstream, NOON + timedelta(days=1), TODAY + timedelta(days=1), TODAY + timedelta(days=1))
    assert step.outcome.stored == 0
    assert known(engine).is_complete(TODAY)
    assert known(engine).known_until == NOON


@pytest.mark.usefixtures("small")
def test_a_drain_that_the_deadline_stops_completes_nothing(engine: sa.Engine) -> None:
    upstream = Upstream(record(number, YESTERDAY) for number in range(1, 60))
    with time_limited(stops_after(2)) as options:
        step, position = synced(engine, upstream, **options)
    assert step.outcome.stored
    assert position
    assert known(engine) == Completeness(None, None, frozenset(), (), date(2025, 1, 1))
    synced(engine, upstream, NOON + timedelta(minutes=2))
    assert known(engine).is_complete(YESTERDAY)
    assert known(engine).known_until == NOON + timedelta(minutes=2)


def test_a_sync_that_fails_completes_nothing(engine: sa.Engine) -> None:
    upstream = Upstream([record(1, YESTERDAY)])
    upstream.down = True
    with pytest.raises(PanAccessError):
        synced(engine, upstream)
    assert not known(engine).is_complete(YESTERDAY)


def test_a_later_repair_says_nothing_of_what_the_live_edge_has_read(engine: sa.Engine) -> None:
    """The live edge knows what was there when it began, whatever others received meanwhile."""
    upstream = Upstream([record(1, YESTERDAY), record(2)])
    repaired: list[object] = []

    def repair_meanwhile() -> None:
        if not repaired:
            repaired.append(3)
            upstream.add([record(3, DAYS[0])])
            synced(engine, upstream, NOON + timedelta(hours=1), DAYS[0], DAYS[0])

    synced(engine, upstream, checkpoint=repair_meanwhile)
    assert known(engine).known_until == NOON
    synced(engine, upstream, NOON + timedelta(hours=2))
    assert known(engine).known_until == NOON + timedelta(hours=1)


def test_a_repair_completes_the_days_that_were_over_when_it_began(engine: sa.Engine) -> None:
    upstream = Upstream(record(number, day) for number, day in enumerate(DAYS, 1))
    synced(engine, upstream, first=DAYS[1], last=DAYS[3])
    assert known(engine).repaired == frozenset(DAYS[1:4])
    assert known(engine).complete_before is None
    assert [known(engine).is_complete(day) for day in DAYS] == [False, True, True, True, False, False]


def test_a_range_that_includes_today_completes_all_its_days_but_today(engine: sa.Engine) -> None:
    synced(engine, Upstream(record(number, day) for number, day in enumerate(DAYS, 1)), first=DAYS[0])
    assert all(known(engine).is_complete(day) for day in DAYS[1:-1])
    assert not known(engine).is_complete(TODAY)


@pytest.mark.usefixtures("small")
def test_a_repair_of_several_steps_knows_what_was_there_when_the_first_began(engine: sa.Engine) -> None:
    """It reads no id that came later, so a day that ends in between is not complete by it."""
    upstream = Upstream(record(10 * number + n, day) for number, day in enumerate(DAYS, 1) for n in range(9))
    position, now = None, MIDNIGHT - timedelta(minutes=1)
    steps: list[frozenset[date]] = []
    while position or not steps:
        with time_limited(stops_after(2)) as options:
            step = sync_of(engine, upstream, now=lambda now=now: now, **options)
            position = step.run(DAYS[2], YESTERDAY, includes_today=False, position=position)
        now += timedelta(minutes=5)
        steps.append(known(engine).repaired)
    assert len(steps) > 2
    assert steps == sorted(steps, key=len)
    assert steps[0] < steps[-1] == frozenset(DAYS[2:4])


def test_a_gap_makes_its_day_incomplete_until_it_is_resolved(engine: sa.Engine) -> None:
    upstream = Upstream(record(100 * number + n, day) for number, day in enumerate(DAYS, 1) for n in range(30))
    upstream.poisoned = {315: "error"}
    synced(engine, upstream)
    days = DAYS[:-1]
    assert [known(engine).is_complete(day) for day in days] == [day != DAYS[2] for day in days]
    make_gaps_due(engine)
    synced(engine, upstream, NOON + timedelta(minutes=2))
    assert not known(engine).is_complete(DAYS[2])
    upstream.poisoned = {}
    make_gaps_due(engine)
    synced(engine, upstream, NOON + timedelta(minutes=4))
    assert all(known(engine).is_complete(day) for day in days)


def test_a_gap_of_a_repair_lies_in_the_day_that_it_read(engine: sa.Engine) -> None:
    upstream = Upstream(record(100 * number + n, day) for number, day in enumerate(DAYS, 1) for n in range(30))
    upstream.add([record(5, DAYS[3])])
    upstream.poisoned = {5: "error"}
    synced(engine, upstream, first=DAYS[2], last=DAYS[4])
    assert known(engine).gaps == ((DAYS[3], DAYS[3]),)
    assert [known(engine).is_complete(day) for day in DAYS[2:5]] == [True, False, True]


@pytest.mark.parametrize("how", ["overlap", "repair"])
def test_a_stop_from_the_future_is_received_again_by_whoever_reads_it_in_time(engine: sa.Engine, how: str) -> None:
    upstream = Upstream([record(1), {**record(2), "timestamp": "2025-03-06 18:10:00"}])
    synced(engine, upstream)
    later = NOON + timedelta(days=1)
    day = TODAY + timedelta(days=1) if how == "overlap" else TODAY
    synced(engine, upstream, NOON + timedelta(minutes=9))
    assert rows(engine, "select received_at from telemetry.records order by record_id") == [NOON, NOON]
    synced(engine, upstream, later, day, day)
    assert rows(engine, "select received_at from telemetry.records order by record_id") == [NOON, later]


def test_days_are_those_of_the_operator(engine: sa.Engine) -> None:
    began = datetime(2025, 3, 6, 13, tzinfo=UTC)
    sync = sync_of(engine, Upstream([record(1)]), operator_zone=ZoneInfo("Pacific/Kiritimati"), now=lambda: began)
    sync.run(TODAY, TODAY, includes_today=True)
    assert known(engine).complete_before == date(2025, 3, 7)
