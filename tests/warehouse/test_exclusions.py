"""Which views count follows from the records alone: however they come, and whenever they are merged."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from unittest import mock

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stops import DAY, LATE, Stop, arrive, excluded, merged, versions
from warehouse_events import ZONE

from telemetry_pipeline.warehouse.core import exclusions, segments
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.operations.status import read_status


def test_a_stop_stamped_ahead_counts_once_a_later_sync_has_seen_it_in_time(engine: sa.Engine) -> None:
    ahead = Stop(2, minute=10)
    assert merged(engine, Stop(1), ahead, minute=0) == {2: "future"}
    assert merged(engine, ahead, minute=9) == {2: "future"}
    assert len(segments.read(engine, DAY, DAY).table) == 1
    before = versions(engine)[DAY]
    assert merged(engine, ahead, minute=10) == {}
    assert versions(engine)[DAY] > before
    assert len(segments.read(engine, DAY, DAY).table) == 2


def test_a_stop_that_is_seen_in_time_before_its_first_merge_counts(engine: sa.Engine) -> None:
    arrive(engine, Stop(1, minute=10), minute=0)
    assert merged(engine, Stop(1, minute=10), minute=10) == {}


def test_stops_of_next_week_do_not_count_on_that_day_either(engine: sa.Engine) -> None:
    ahead = [Stop(number, minute=7 * 1440 + number) for number in range(5)]
    assert merged(engine, *ahead, minute=0) == dict.fromkeys(range(5), "future")
    assert merged(engine, Stop(100, minute=7 * 1440 + 50), minute=8 * 1440) == dict.fromkeys(range(5), "future")
    merge(engine, ZONE, rebuild=(DAY, DAY + timedelta(days=9)))
    assert excluded(engine) == dict.fromkeys(range(5), "future")


@pytest.mark.parametrize(
    ("other", "repeated"),
    [
        pytest.param(Stop(2), True, id="the same"),
        pytest.param(Stop(2, minute=1), False, id="another end"),
        pytest.param(Stop(2, device=2), False, id="another device"),
        pytest.param(Stop(2, channel=2), False, id="another channel"),
        pytest.param(Stop(2, duration=61), False, id="another duration"),
        pytest.param(Stop(2, duration=None), False, id="no duration"),
    ],
)
@pytest.mark.parametrize("lower_first", [True, False], ids=["lower id first", "higher id first"])
def test_the_same_stop_under_two_ids_is_one_view(engine: sa.Engine, other: Stop, repeated: bool, lower_first: bool) -> None:
    first, second = (Stop(1), other) if lower_first else (other, Stop(1))
    assert merged(engine, first) == {}
    assert merged(engine, second) == ({2: "duplicate"} if repeated else {})
    assert len(segments.read(engine, DAY, DAY).table) == (1 if repeated else 2)


def test_doubles_without_a_device_are_different_views(engine: sa.Engine) -> None:
    assert merged(engine, Stop(1, device=None), Stop(2, device=None)) == {}


def test_doubles_without_a_duration_are_one_view(engine: sa.Engine) -> None:
    assert merged(engine, Stop(1, duration=None), Stop(2, duration=None)) == {2: "duplicate"}


def test_a_double_far_away_in_ids_is_found(engine: sa.Engine) -> None:
    assert merged(engine, *(Stop(number, minute=number) for number in range(50))) == {}
    assert merged(engine, *(Stop(10**9 + number, minute=number) for number in range(0, 50, 10))) == {
        10**9 + number: "duplicate" for number in range(0, 50, 10)
    }
    assert merged(engine, Stop(-5, minute=20))[20] == "duplicate"


def test_a_twin_of_the_future_repeats_nothing_until_it_is_seen_in_time(engine: sa.Engine) -> None:
    """Its lower id must not hide the one that was received in time."""
    twins = [Stop(1, minute=10), Stop(2, minute=10)]
    assert merged(engine, twins[0], minute=0) == {1: "future"}
    assert merged(engine, twins[1], minute=10) == {1: "future"}
    assert merged(engine, twins[0], minute=11) == {2: "duplicate"}


def test_a_twin_that_is_seen_in_time_repeats_the_lower_id(engine: sa.Engine) -> None:
    twins = [Stop(1, minute=10), Stop(2, minute=10)]
    assert merged(engine, *twins, minute=0) == {1: "future", 2: "future"}
    assert merged(engine, *twins, minute=10) == {2: "duplicate"}


def test_a_rebuild_judges_its_days_as_a_merge_does(engine: sa.Engine) -> None:
    stops = [Stop(1), Stop(2), Stop(3, minute=1440), Stop(4, minute=1440), Stop(5, minute=3000)]
    assert merged(engine, *stops, minute=2999) == {2: "duplicate", 4: "duplicate", 5: "future"}
    before = versions(engine)
    merge(engine, ZONE, rebuild=(DAY, DAY + timedelta(days=3)))
    assert versions(engine) == before
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.views set excluded = null where local_date = '2025-01-31'"))
    merge(engine, ZONE, rebuild=(DAY, DAY + timedelta(days=3)))
    assert excluded(engine) == {2: "duplicate", 4: "duplicate", 5: "future"}
    assert {day for day, version in versions(engine).items() if version != before[day]} == {DAY}


def test_what_does_not_count_is_counted_by_its_reason(engine: sa.Engine) -> None:
    assert read_status(engine).excluded == {}
    merged(engine, Stop(1), Stop(2), Stop(3), Stop(4, minute=10), minute=5)
    assert read_status(engine).excluded == {"duplicate": 2, "future": 1}


def test_a_day_is_told_of_changed_views_that_began_before_it(engine: sa.Engine) -> None:
    within, across = Stop(1, minute=30), Stop(2, minute=30, duration=1801)
    merged(engine, within)
    assert versions(engine)[DAY][1] == 0
    merged(engine, across)
    version, spill = versions(engine)[DAY]
    assert version == spill
    merged(engine, Stop(3, minute=31))
    assert versions(engine)[DAY] == (version + 1, spill)


@st.composite
def arrivals(draw: st.DrawFn) -> list[tuple[str, Any]]:
    """Stops, most of them with twins, in any batches that overlap, with merges in between."""
    spacing = draw(st.sampled_from([1, 1, 1500]))
    stops = [
        Stop(
            number * spacing,
            draw(st.sampled_from([-30, 5, 5, 20, 1500])),
            draw(st.sampled_from([1, 1, 1, 2, None])),
            draw(st.sampled_from([1, 1, 2])),
            draw(st.sampled_from([60, 60, 600, None])),
        )
        for number in draw(st.lists(st.integers(1, 30), unique=True, min_size=1, max_size=20))
    ]
    steps: list[tuple[str, Any]] = []
    for _ in range(draw(st.integers(1, 5))):
        batch = draw(st.lists(st.sampled_from(stops), unique=True, min_size=1))
        steps.append(("arrive", (batch, draw(st.sampled_from([-40, 0, 10, 30, LATE])))))
        if draw(st.booleans()):
            days = sorted(DAY + timedelta(days=draw(st.integers(-1, 1))) for _ in range(2))
            steps.append(("merge", draw(st.sampled_from([None, None, (days[0], days[1])]))))
    steps.append(("arrive", (stops, draw(st.sampled_from([0, 30, LATE])))))
    return steps


class Oracle:
    """Which of the records that came count, from the definition."""

    def __init__(self) -> None:
        self.stops: dict[int, Stop] = {}
        self.received: dict[int, int] = {}

    def arrive(self, stops: list[Stop], minute: int) -> None:
        for stop in stops:
            known = self.received.get(stop.record_id)
            if known is None or known < stop.minute <= minute:
                self.received[stop.record_id] = minute
            self.stops[stop.record_id] = stop

    def excluded(self) -> dict[int, str]:
        reasons = {}
        first: set[tuple[object, ...]] = set()
        for record_id, stop in sorted(self.stops.items()):
            playback = (stop.device, stop.channel, stop.minute, stop.duration)
            if stop.minute > self.received[record_id]:
                reasons[record_id] = "future"
            elif stop.device is not None and playback in first:
                reasons[record_id] = "duplicate"
            else:
                first.add(playback)
        return reasons

    def counted(self) -> set[Stop]:
        reasons = self.excluded()
        return {stop for record_id, stop in self.stops.items() if record_id not in reasons}


def merge_and_check(engine: sa.Engine, oracle: Oracle, counted: set[Stop], rebuild: tuple[date, date] | None) -> set[Stop]:
    before = versions(engine)
    merge(engine, ZONE, rebuild=rebuild)
    assert excluded(engine) == oracle.excluded()
    now = oracle.counted()
    after = versions(engine)
    for stop in now ^ counted:
        version, spill = before.get(stop.local_date, (0, 0))
        assert after[stop.local_date][0] > version
        assert after[stop.local_date][1] > spill or not stop.begun_before_its_day
    return now


def replay(engine: sa.Engine, steps: list[tuple[str, Any]]) -> None:
    with engine.begin() as connection:
        for table in ("records", "views", "channel_names", "pending_merges", "view_days", "view_segments"):
            connection.execute(sa.text(f"delete from telemetry.{table}"))
    oracle, counted = Oracle(), set[Stop]()
    for act, argument in steps:
        if act == "arrive":
            arrive(engine, *argument[0], minute=argument[1])
            oracle.arrive(*argument)
        else:
            counted = merge_and_check(engine, oracle, counted, argument)
    merge_and_check(engine, oracle, counted, None)
    ends = segments.read(engine, date.min, date.max).table["ended_at"].to_pylist()
    assert sorted(ends) == sorted(stop.ended_at.replace(tzinfo=None) for stop in oracle.counted())


@given(arrivals())
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@pytest.mark.slow
def test_which_views_count_follows_from_the_records_in_whatever_order_they_come(
    pooled: sa.Engine, steps: list[tuple[str, Any]]
) -> None:
    replay(pooled, steps)


@pytest.mark.slow
@given(arrivals())
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_a_merge_of_many_views_judges_as_one_of_few_does(pooled: sa.Engine, steps: list[tuple[str, Any]]) -> None:
    """It compares whole days instead of looking for the twins of each view."""
    with mock.patch.object(exclusions, "_MANY_VIEWS", 0):
        replay(pooled, steps)
