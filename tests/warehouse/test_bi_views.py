"""What tools get in the schema ``bi`` of views, channels and days, and how little of the warehouse is read for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from warehouse_events import ZONE, complete, select, start, stop, store

from telemetry_pipeline.warehouse.core.views import analyze, merge
from telemetry_pipeline.warehouse.db import partitions
from telemetry_pipeline.warehouse.raw import completeness

BEFORE, FIRST, SECOND = (date(2025, 1, n) for n in (29, 30, 31))


@pytest.fixture
def viewed(engine: sa.Engine) -> sa.Engine:
    """Views of three days and three channels, one of which has no name, and some that do not count."""
    store(engine, start(1, "Old"), start(2, "B", channel=2), start(3, "Never seen", channel=7))
    store(engine, stop(4, duration=60, hours=-24), stop(5, duration=1800), stop(6, duration=1800, channel=2), stop(7))
    store(engine, start(8, "New"), stop(9, duration=60, hours=24), stop(10, duration=60, channel=9, hours=24))
    store(engine, stop(11, duration=60, hours=24 * 365 * 50))
    merge(engine, ZONE)
    complete(engine, date(2025, 3, 1))
    return engine


def rows(engine: sa.Engine, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in select(engine, query)]


def test_views_are_those_that_count(viewed: sa.Engine) -> None:
    found = rows(viewed, "select record_id, channel_id, channel_name, duration_seconds, isp from bi.views order by 1")
    assert [row[0] for row in found] == [4, 5, 6, 9, 10]
    assert found[0][1:] == (1, "Old", 60, "ISP -24")
    assert found[-1][1:] == (9, None, 60, "ISP 24")


def test_every_channel_has_a_row_with_its_name_now_and_the_days_of_its_views(viewed: sa.Engine) -> None:
    assert rows(viewed, "select * from bi.channels order by 1") == [
        (1, "New", BEFORE, SECOND),
        (2, "B", FIRST, FIRST),
        (7, "Never seen", None, None),
        (9, None, SECOND, SECOND),
    ]


def test_an_empty_warehouse_has_no_channels_and_no_days(engine: sa.Engine) -> None:
    assert rows(engine, "select * from bi.channels") == rows(engine, "select * from bi.days") == []


def test_a_day_has_its_place_in_the_calendar_and_what_its_views_come_to(viewed: sa.Engine) -> None:
    assert rows(viewed, "select * from bi.days order by 1") == [
        (BEFORE, 3, "2025-W05", "2025-01", False, 1, 60 / 3600),
        (FIRST, 4, "2025-W05", "2025-01", True, 2, 1.0),
        (SECOND, 5, "2025-W05", "2025-01", True, 2, 120 / 3600),
    ]


STATES = {
    "nothing was read to its end": "update telemetry.sync_state set complete_before = null",
    "the last day is not over": f"update telemetry.sync_state set complete_before = '{SECOND}'",
    "a day was repaired": f"update telemetry.sync_state set complete_before = '{FIRST}';"
    f"insert into telemetry.complete_days values ('{SECOND}')",
    "a day has a gap": "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, first_date, last_date)"
    f"values (1, 2, 'x', '{SECOND}', '{SECOND}')",
    "a gap lies anywhere": "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason) values (1, 2, 'x')",
    "a gap is closed": "insert into telemetry.sync_gaps (first_record_id, last_record_id, reason, resolved_at)"
    "values (1, 2, 'x', now())",
    "data began anew after a month": "insert into telemetry.view_days (local_date, version)"
    "select local_date + 60, 1 from telemetry.view_days;"
    "update telemetry.views set local_date = local_date + 60 where record_id in (5, 9);"
    "update telemetry.sync_state set complete_before = '2025-06-01'",
}


@pytest.mark.parametrize("statement", STATES.values(), ids=STATES)
def test_the_days_that_are_complete_are_those_that_the_pipeline_takes_for_complete(viewed: sa.Engine, statement: str) -> None:
    with viewed.begin() as connection:
        connection.execute(sa.text(statement))
        known = completeness.read(connection)
    found = rows(viewed, "select local_date, is_complete from bi.days")
    assert len(found) >= 3
    assert found == [(day, known.is_complete(day)) for day, _ in found]


def read_by(engine: sa.Engine, query: str) -> set[str]:
    """The tables that PostgreSQL really reads for a query."""

    def nodes(plan: dict[str, Any]) -> Iterator[str]:
        if "Relation Name" in plan and plan["Actual Loops"]:
            yield plan["Relation Name"]
        for each in plan.get("Plans", []):
            yield from nodes(each)

    [(found,)] = select(engine, f"explain (analyze, format json) {query}")
    [explained] = found if isinstance(found, list) else json.loads(found)
    return set(nodes(explained["Plan"]))


QUERIES: dict[str, Callable[[str], str]] = {
    "views": lambda days: f"select count(*), sum(duration_seconds) from bi.views where {days}",
    "days": lambda days: f"select views, watch_hours, is_complete from bi.days where {days}",
}


@pytest.mark.parametrize("query", QUERIES.values(), ids=QUERIES)
@pytest.mark.parametrize("days", [f"local_date = '{FIRST}'", f"local_date >= '{FIRST}' and local_date < '2025-02-01'"])
def test_only_the_months_of_the_days_that_are_named_are_read(viewed: sa.Engine, query: Callable[[str], str], days: str) -> None:
    assert partitions.keep_months(viewed, date(2024, 11, 1)) == []
    analyze(viewed)
    read = {table for table in read_by(viewed, query(days)) if table.startswith("views_")}
    assert read == {"views_2025_01"}


def test_channels_are_found_by_their_ids_without_reading_all_views(viewed: sa.Engine) -> None:
    with viewed.begin() as connection:
        connection.execute(
            sa.text("""
            insert into telemetry.views (record_id, local_date, local_hour, ended_at, duration_seconds, channel_id)
            select 100 + n, date '2025-01-30', 12, timestamptz '2025-01-30 12:00Z', 60, n % 3 from generate_series(1, 5000) as n
        """)
        )
    analyze(viewed)
    plan = "\n".join(row[0] for row in select(viewed, "explain (costs off) select * from bi.channels"))
    assert "Seq Scan on views" not in plan
    assert len(rows(viewed, "select * from bi.channels")) == 5
