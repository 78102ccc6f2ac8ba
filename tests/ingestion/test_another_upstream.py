"""Another upstream under the same address is refused, and what changes in the course of things is no sign of one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest
import sqlalchemy as sa
from syncing import DAYS, LARGEST, TODAY, foreign, record, rejected, rows, stored, sync_of, tick, told
from upstream import Upstream

from telemetry_pipeline.errors import AnotherUpstream
from telemetry_pipeline.warehouse.raw import cursor as cursors


@pytest.mark.parametrize("ids", [range(1, 200), range(50, 400, 3), range(2_990, 9_000)], ids=["lower", "both", "newest"])
@pytest.mark.parametrize("first_day", [DAYS[0], TODAY], ids=["a repair", "a tick"])
def test_another_upstream_under_the_same_address_is_refused(engine: sa.Engine, ids: Iterable[int], first_day: Any) -> None:
    """Its records were mixed in, and those with known ids dropped without a word."""
    upstream = Upstream(map(record, range(1, 3_001)))
    tick(engine, upstream)
    another = Upstream(foreign(ids))
    for includes_today in (False, True):
        with pytest.raises(Exception, match="adopt"):
            sync_of(engine, another).run(DAYS[0], TODAY, includes_today=includes_today)
    assert stored(engine) == [*range(1, 3_001)]
    assert told(engine) == ["upstream:another"]
    tick(engine, upstream)
    assert told(engine) == []


CHANGES: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "anonymized": lambda one: {**one, "anonymized": True, "subscriberCode": None},
    "a name mended": lambda one: {**one, "dataName": "mended"},
    "a country": lambda one: {**one, "whoisCountry": "MX"},
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_records_may_change_what_changes_in_the_course_of_things(
    engine: sa.Engine, change: Callable[[dict[str, Any]], dict[str, Any]]
) -> None:
    upstream = Upstream(record(one, subscriberCode=f"S{one}") for one in range(1, 300))
    tick(engine, upstream)
    upstream.records = {one: change(known) for one, known in upstream.records.items()}
    upstream.add([record(300)])
    assert tick(engine, upstream).outcome.stored == 1
    assert (told(engine), rejected(engine)) == ([], [])


def test_what_the_upstream_keeps_no_more_is_no_sign_of_another_one(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 300)))
    tick(engine, upstream)
    upstream.records = {one: record(one) for one in range(40_000, 40_100)}
    assert tick(engine, upstream).outcome.stored == 100


def test_a_known_id_that_comes_with_other_content_is_put_aside(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 300)))
    tick(engine, upstream)
    upstream.add([record(100, DAYS[0], whoisIsp='a "\\ \x01 b'), record(101, actionId=8), record(102, dataName="renamed")])
    assert tick(engine, upstream).outcome.rejected == 2
    assert tick(engine, upstream).outcome.rejected == 0
    assert rejected(engine) == [100, 101]
    payloads = rows(engine, "select payload::jsonb ->> 'timestamp' from telemetry.rejected_records order by record_id")
    assert payloads[0].startswith(str(DAYS[0]))


def test_records_that_the_upstream_anonymized_and_a_few_that_it_mended_are_the_same(engine: sa.Engine) -> None:
    upstream = Upstream(record(one, subscriberCode=f"S{one}", deviceId=one, ip="10.0.0.1") for one in range(1, 3_000))
    tick(engine, upstream)
    for one in upstream.records.values():
        one |= {"anonymized": 1, "subscriberCode": None, "deviceId": None, "ip": None, "smartcardId": "0"}
    for mended in range(2_950, 2_970):
        upstream.records[mended]["timestamp"] = f"{TODAY} 11:59:59"
    upstream.add([record(3_000)])
    tick(engine, upstream)
    assert (stored(engine)[-1], told(engine)) == (3_000, [])


def test_a_sample_that_fails_says_nothing(engine: sa.Engine) -> None:
    upstream = Upstream(map(record, range(1, 300)))
    tick(engine, upstream)
    upstream.poisoned = {250: "error"}
    upstream.add([record(300)])
    tick(engine, upstream)
    assert (stored(engine)[-1], told(engine)) == (300, [])


def test_behind_a_stray_record_that_is_left_out_all_is_seen_as_ever(engine: sa.Engine) -> None:
    """It is the newest one for good: what is below the cursor or another upstream showed no more."""
    upstream = Upstream([*map(record, range(1, 20_001))])
    tick(engine, upstream)
    upstream.add([record(LARGEST)])
    tick(engine, upstream)
    cursors.ignore(engine, LARGEST)
    tick(engine, upstream)
    for gone in range(9_000, 20_001):
        del upstream.records[gone]
    tick(engine, upstream)
    assert told(engine) == ["upstream:below"]
    upstream.add([record(20_001)])
    assert tick(engine, upstream).outcome.stored == 1
    assert told(engine) == []
    upstream.records = {one["recordId"]: one for one in [*foreign(range(1, 100)), record(LARGEST)]}
    with pytest.raises(AnotherUpstream):
        tick(engine, upstream)
