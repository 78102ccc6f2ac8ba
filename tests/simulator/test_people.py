"""The people of the made-up history live as people do: what they watch in a day, who comes, who goes."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from statistics import mean, median, quantiles
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.source import Source

END = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
COUNT, DAYS = 100_000, 90
OPERATOR_ZONE = ZoneInfo("America/Mexico_City")
# What is longer is a box that was left on.
LONGEST_WATCHED = 8 * 3600


class View(NamedTuple):
    device: int
    subscriber: str | None
    stopped: datetime
    seconds: int

    @property
    def started(self) -> datetime:
        return self.stopped - timedelta(seconds=self.seconds)

    @property
    def day(self) -> date:
        return self.stopped.astimezone(OPERATOR_ZONE).date()


def stamp(record: dict[str, Any], field: str = "timestamp") -> datetime:
    return datetime.strptime(record[field], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def records() -> list[dict[str, Any]]:
    options = Options(records_count=COUNT, days=DAYS, end=END, late_ids=0)
    (segment,) = Source(options, END.timestamp).listed()
    return segment.records(0, len(segment))


@pytest.fixture(scope="module")
def stops(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [record for record in records if record["actionId"] == 8]


@pytest.fixture(scope="module")
def views(stops: list[dict[str, Any]]) -> list[View]:
    """What counts as a view: a stop with a duration that is not in the future, once."""
    found = {
        View(record["ipId"], record["subscriberCode"], stamp(record), record["dataDuration"])
        for record in stops
        if record["dataDuration"] is not None and stamp(record) <= END
    }
    return sorted(found, key=lambda view: (view.device, view.stopped))


@pytest.fixture(scope="module")
def seen(views: list[View]) -> dict[str, list[date]]:
    """The days on which each subscriber watched."""
    days: dict[str, set[date]] = defaultdict(set)
    for view in views:
        if view.subscriber is not None:
            days[view.subscriber].add(view.day)
    return {subscriber: sorted(found) for subscriber, found in days.items()}


def test_a_person_watches_a_few_hours_a_day(views: list[View]) -> None:
    hours: defaultdict[tuple[str, date], float] = defaultdict(float)
    for view in views:
        if view.subscriber is not None and view.seconds <= LONGEST_WATCHED:
            hours[view.subscriber, view.day] += view.seconds / 3600
    assert 2 < mean(hours.values()) < 6
    assert quantiles(hours.values(), n=100)[-1] < 16


@pytest.mark.parametrize(("count", "days"), [(90_000, 20), (20_000, 5), (3_000, 1), (30_000, 180)])
def test_there_are_as_many_people_as_suit_the_records_of_a_day(count: int, days: int) -> None:
    (segment,) = Source(Options(records_count=count, days=days, end=END, late_ids=0), END.timestamp).listed()
    sample = [row for row in segment.records(0, len(segment)) if row["actionId"] == 8 and row["subscriberCode"]]
    watched = [(row, stamp(row).astimezone(OPERATOR_ZONE).date()) for row in sample if row["dataDuration"]]
    seconds = sum(row["dataDuration"] for row, _ in watched if row["dataDuration"] <= LONGEST_WATCHED)
    assert 2 < seconds / 3600 / len({(row["subscriberCode"], day) for row, day in watched}) < 6


def test_a_device_shows_one_thing_at_a_time_unless_it_was_left_on(views: list[View]) -> None:
    together = Counter(
        later.started < earlier.stopped
        for earlier, later in pairwise(views)
        if earlier.device == later.device and later.seconds <= LONGEST_WATCHED
    )
    assert together[False] > 0.3 * COUNT
    assert together[True] == 0


def test_a_few_boxes_are_left_on_for_up_to_weeks(views: list[View]) -> None:
    left_on = [view.seconds for view in views if view.seconds > LONGEST_WATCHED]
    assert 0.001 * len(views) < len(left_on) < 0.01 * len(views)
    assert 200 * 3600 < max(left_on) <= 400 * 3600
    assert 0.03 < sum(left_on) / sum(view.seconds for view in views) < 0.25


def test_it_is_some_devices_that_are_left_on_again_and_again(views: list[View]) -> None:
    left_on = Counter(view.device for view in views if view.seconds > LONGEST_WATCHED)
    assert max(left_on.values()) >= 3
    assert len(left_on) < 0.25 * len({view.device for view in views})


def test_subscribers_join_in_every_month(seen: dict[str, list[date]]) -> None:
    cohorts = Counter(days[0].replace(day=1) for days in seen.values())
    assert len(cohorts) == 4
    first = min(cohorts)
    assert all(0.02 * len(seen) < size < 0.3 * len(seen) for month, size in cohorts.items() if month != first)


def days_within(found: list[date], longest_ago: int, ago: int) -> int:
    """On how many days somebody was seen, from ``longest_ago`` to ``ago`` days before the last one."""
    last = END.astimezone(OPERATOR_ZONE).date()
    return sum(ago <= (last - day).days < longest_ago for day in found)


def test_some_subscribers_leave_and_some_slow_down(seen: dict[str, list[date]]) -> None:
    gone = [found for found in seen.values() if not days_within(found, 21, 0)]
    assert 0.04 * len(seen) < len(gone) < 0.25 * len(seen)
    lately = {name: days_within(found, 30, 0) for name, found in seen.items()}
    before = {name: days_within(found, 60, 30) for name, found in seen.items()}
    slowed = [name for name in seen if before[name] >= 15 and 0 < lately[name] <= before[name] / 2]
    assert len(slowed) > 0.01 * len(seen)


@pytest.mark.parametrize("days", [14, 30, 60, 90])
def test_at_any_span_somebody_has_just_stopped_watching(seen: dict[str, list[date]], days: int) -> None:
    """What churn_risk lists as high: nothing in the last half of the window, and some before."""
    active = {name for name, found in seen.items() if days_within(found, days, days // 2) >= 3}
    silent = {name for name in active if not days_within(seen[name], days // 2, 0)}
    assert 0 < len(silent) < 0.3 * len(active)


def test_no_day_falls_off_from_the_same_day_a_week_before(views: list[View]) -> None:
    counts = Counter(view.day for view in views)
    people = defaultdict(set)
    for view in views:
        people[view.day].add(view.subscriber)
    whole = sorted(counts)[1:-1]
    for day in whole[7:]:
        assert 0.6 < counts[day] / counts[day - timedelta(days=7)] < 1.6
        assert 0.6 < len(people[day]) / len(people[day - timedelta(days=7)]) < 1.6


def test_some_stops_come_twice_under_a_later_id(stops: list[dict[str, Any]]) -> None:
    same: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for record in stops:
        same[record["ipId"], record["dataId"], record["timestamp"], record["dataDuration"]].append(record)
    doubles = [found for found in same.values() if len(found) > 1]
    assert 0.001 * len(stops) < len(doubles) < 0.006 * len(stops)
    assert {len(found) for found in doubles} == {2}
    later = [
        (stamp(second, "created") - stamp(first, "created")).total_seconds()
        for first, second in doubles
        if "created" in first and "created" in second
    ]
    assert min(later) >= 0
    assert 60 < median(later) < 3600 < max(later) <= 86_400


def test_the_clocks_of_a_few_devices_are_ahead_at_every_stamp(records: list[dict[str, Any]]) -> None:
    ahead: dict[int, list[float]] = defaultdict(list)
    for record in records:
        if "created" in record and stamp(record) < END + timedelta(hours=20):
            ahead[record["ipId"]].append((stamp(record) - stamp(record, "created")).total_seconds())
    busy = {device: seconds for device, seconds in ahead.items() if len(seconds) > 20}
    wrong = {device: seconds for device, seconds in busy.items() if median(seconds) > 30}
    assert 0 < len(wrong) < 0.05 * len(busy)
    for seconds in wrong.values():
        assert max(seconds) - median(seconds) < 60
        assert 60 < max(seconds) < 13 * 3600
    assert max(map(max, wrong.values())) > 1800
    assert np.mean([max(seconds) > 0 for device, seconds in busy.items() if device not in wrong]) < 0.05
