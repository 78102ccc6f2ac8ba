"""What ``live="history"`` gives: the history goes on, whoever looks how often and whatever was started when."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from statistics import mean, median
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.source import Source

END = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
COUNT, DAYS, LIVE_DAYS = 60_000, 42, 28
OPERATOR_ZONE = ZoneInfo("America/Mexico_City")
LONGEST_WATCHED = 8 * 3600


class Operator:
    """A simulator whose clock stands where a test puts it."""

    def __init__(self, **options: Any) -> None:
        self.now = END.timestamp() + options.pop("started", 0)
        chosen = {"records_count": 3000, "days": 30, "end": END, "late_ids": 0, "live": "history", **options}
        self.source = Source(Options(**chosen), lambda: self.now)

    def records(self, after: float = 0) -> list[dict[str, Any]]:
        """All that is visible some seconds later, by id."""
        self.now += after
        listed = [segment.records(0, len(segment)) for segment in self.source.listed()]
        return sorted((record for records in listed for record in records), key=lambda record: record["recordId"])


def stamp(record: dict[str, Any], field: str = "timestamp") -> datetime:
    return datetime.strptime(record[field], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)


def local(record: dict[str, Any]) -> datetime:
    return stamp(record, "created").astimezone(OPERATOR_ZONE)


@pytest.fixture(scope="module")
def all_records() -> list[dict[str, Any]]:
    return Operator(records_count=COUNT, days=DAYS).records(after=LIVE_DAYS * 86_400)


@pytest.fixture(scope="module")
def history(all_records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return all_records[:COUNT]


@pytest.fixture(scope="module")
def live(all_records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return all_records[COUNT:]


def test_it_has_the_rate_of_the_history(live: list[dict[str, Any]]) -> None:
    assert len(live) / LIVE_DAYS == pytest.approx(COUNT / DAYS, rel=0.05)
    assert {record["actionId"] for record in live} > {5, 6, 7, 8, 13, 14, 15, 16, 17, 18}


def test_it_has_the_rhythm_of_the_history(history: list[dict[str, Any]], live: list[dict[str, Any]]) -> None:
    before, after = (Counter(local(r).hour for r in records if "created" in r) for records in (history, live))
    for hour in range(24):
        assert after[hour] / LIVE_DAYS == pytest.approx(before[hour] / DAYS, rel=0.25, abs=5)
    assert after[21] > 8 * after[4]


def test_nothing_arrives_before_it_may_and_nothing_is_held_back(live: list[dict[str, Any]]) -> None:
    created = [stamp(record, "created") for record in live if "created" in record]
    assert created == sorted(created)
    assert END < created[0] < END + timedelta(minutes=10)
    assert timedelta() <= END + timedelta(days=LIVE_DAYS) - created[-1] < timedelta(minutes=10)


def test_the_same_people_go_on_watching_as_much(history: list[dict[str, Any]], live: list[dict[str, Any]]) -> None:
    people, hours = [], []
    for records in (history, live):
        watched: Counter[tuple[str, date]] = Counter()
        for record in records:
            if record["actionId"] == 8 and record["subscriberCode"] and "created" in record:
                seconds = record["dataDuration"] or 0
                watched[record["subscriberCode"], local(record).date()] += seconds if seconds <= LONGEST_WATCHED else 0
        days: Counter[date] = Counter(day for _, day in watched)
        people.append(median(days.values()))
        hours.append(mean(watched.values()) / 3600)
    assert people[1] == pytest.approx(people[0], rel=0.15)
    assert hours[1] == pytest.approx(hours[0], rel=0.15)
    known = {record["subscriberCode"] for record in history}
    new = {record["subscriberCode"] for record in live} - known
    assert 0 < len(new) < 0.2 * len(known)


def test_a_device_shows_one_thing_at_a_time(live: list[dict[str, Any]]) -> None:
    views: dict[int, set[tuple[datetime, int]]] = defaultdict(set)
    for record in live:
        if record["actionId"] == 8 and record["dataDuration"] and stamp(record) < END + timedelta(days=LIVE_DAYS):
            views[record["ipId"]].add((stamp(record), record["dataDuration"]))
    together = Counter(
        stopped - timedelta(seconds=seconds) < stopped_before
        for found in views.values()
        for (stopped_before, _), (stopped, seconds) in pairwise(sorted(found))
        if seconds <= LONGEST_WATCHED
    )
    assert together[False] > 0.3 * len(live)
    assert together[True] == 0


def test_most_starts_lie_a_duration_before_their_stops(live: list[dict[str, Any]]) -> None:
    began: dict[tuple[Any, ...], datetime] = {}
    late = []
    for record in live:
        view = record["ipId"], record["dataId"]
        if record["actionId"] == 7:
            began[view] = stamp(record)
        elif record["actionId"] == 8 and view in began and (record["dataDuration"] or 0) > 900:
            started = stamp(record) - timedelta(seconds=record["dataDuration"])
            late.append((began.pop(view) - started).total_seconds())
    assert 0.5 * len(late) < sum(0 <= seconds <= 300 for seconds in late)


@pytest.mark.parametrize("late_ids", [0, 5])
def test_it_is_the_same_however_often_one_looks(late_ids: int) -> None:
    often, once = Operator(late_ids=late_ids), Operator(late_ids=late_ids)
    for _ in range(50):
        often.records(after=4_000)
    once.records(after=200_000)
    assert often.records(after=100) == once.records(after=100)


def test_it_goes_on_while_no_simulator_runs() -> None:
    first = Operator().records(after=86_400)
    again = Operator(started=3 * 86_400).records()
    assert again[: len(first)] == first
    assert len(again) > len(first) + 150


def test_it_goes_back_no_further_than_the_history_is_long() -> None:
    resumed = Operator(records_count=100, days=10, started=365 * 86_400)
    live = resumed.records()[100:]
    assert len(live) == pytest.approx(100, abs=40)
    oldest = min(stamp(record, "created") for record in live if "created" in record)
    assert oldest > END + timedelta(days=355)


@pytest.mark.slow
def test_an_id_is_of_one_record_whatever_the_rates_were() -> None:
    """And a cursor that has reached the end of one rate sees what comes at the next."""
    found: dict[int, dict[str, Any]] = {}
    cursor, started = 0, 600
    for rate in ("history", 20, 2, "history", 50, "history"):
        operator = Operator(live=rate, records_count=20_000, days=3, started=started)
        operator.records()
        records = operator.records(after=3_700)
        for record in records:
            assert found.setdefault(record["recordId"], record) == record
        assert sum(record["recordId"] > cursor for record in records) > 50
        cursor, started = max(cursor, records[-1]["recordId"]), started + 3_700


def test_ids_go_past_those_that_were_added() -> None:
    operator = Operator()
    highest = operator.records(after=3_600)[-1]["recordId"]
    operator.source.add([{"recordId": highest + 10**12}])
    assert operator.records(after=7_200)[-1]["recordId"] > highest + 10**12
    assert operator.records(after=86_400)[-1]["recordId"] > highest + 10**12


def test_an_export_goes_on_from_the_start(tmp_path: Path) -> None:
    path = tmp_path / "export.csv"
    path.write_text("recordId;actionId;timestamp\n9000000000;7;2026-01-01 00:00:00\n")
    os.utime(path, (0, END.timestamp() - 5_000))
    operator = Operator(records=path, records_count=100_000)
    assert len(operator.records()) == 1
    records = operator.records(after=7_200)
    assert len(records) > 20
    assert all(record["recordId"] > 9_000_000_000 for record in records[1:])


@pytest.mark.parametrize("count", [0, 1, 30])
def test_a_small_operator_has_a_small_stream(count: int) -> None:
    assert len(Operator(records_count=count).records(after=20 * 86_400)) <= 2 * count + 20


def test_what_is_silent_gives_what_happened_meanwhile_afterwards() -> None:
    silent, other = Operator(), Operator()
    before = silent.records()
    silent.source.silent = True
    assert silent.records(after=3_600) == before
    silent.source.silent = False
    assert silent.records(after=3_600) == other.records(after=7_200)
    assert len(silent.records()) > len(before)
