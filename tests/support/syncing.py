"""A sync over an upstream without HTTP, ended where a test says, and looks at what it left in the warehouse."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from upstream import Upstream

from telemetry_pipeline.ingestion import sync as sync_module
from telemetry_pipeline.ingestion.sync import Progress, Sync
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.raw import records as warehouse
from telemetry_pipeline.warehouse.raw.batch import Batch
from telemetry_pipeline.warehouse.raw.records import Stored

UTC = ZoneInfo("UTC")
MEXICO = ZoneInfo("America/Mexico_City")
TODAY = date(2025, 3, 6)
DAYS = [TODAY - timedelta(days=number) for number in range(5, -1, -1)]
NEVER = float("inf")
LARGEST = 2**63 - 1


def record(record_id: int, day: date = TODAY, **fields: Any) -> dict[str, Any]:
    return {"recordId": record_id, "timestamp": f"{day} 12:00:00", "dataName": f"name of {record_id}", **fields}


def bad(record_id: int) -> dict[str, Any]:
    return record(record_id, dataId="no number")


def feed_of(upstream: Upstream) -> Feed:
    return Feed(upstream, PageDecoder(UTC, MEXICO), UTC)


def sync_of(engine: sa.Engine, upstream: Upstream, **options: Any) -> Sync:
    return Sync(**{"engine": engine, "feed": feed_of(upstream), "operator_zone": MEXICO, "deadline": NEVER, **options})


def tick(engine: sa.Engine, upstream: Upstream, **options: Any) -> Sync:
    """A step of the live edge, which may end with an error; gives the sync for its outcome."""
    one = sync_of(engine, upstream, **options)
    one.run(TODAY, TODAY, includes_today=True)
    return one


def rows(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).all()
    return [row[0] if len(row) == 1 else tuple(row) for row in found]


def stored(engine: sa.Engine) -> list[int]:
    return rows(engine, "select record_id from telemetry.records order by record_id")


def rejected(engine: sa.Engine) -> list[int]:
    return rows(engine, "select record_id from telemetry.rejected_records order by record_id")


def open_gaps(engine: sa.Engine) -> list[tuple[int, int]]:
    return rows(
        engine,
        "select first_record_id, last_record_id from telemetry.sync_gaps where resolved_at is null order by 1, 2",
    )


def keep(engine: sa.Engine, batch: Batch) -> None:
    with warehouse.writing(engine) as connection:
        warehouse.store(connection, batch)


def make_gaps_due(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_gaps set tried_at = now() - interval '2 days'"))


def stops_after(deliveries: int) -> dict[str, Any]:
    """Options of a sync whose time is over after so many deliveries."""
    state = {"left": deliveries}

    def report(progress: Progress) -> None:
        state["left"] -= 1

    deadline = time.monotonic() + 1_000
    clock = mock.Mock(side_effect=lambda: deadline if state["left"] <= 0 else deadline - 1)
    return {"report": report, "deadline": deadline, "clock": clock}


@contextmanager
def time_limited(options: dict[str, Any]) -> Iterator[dict[str, Any]]:
    clock = options.pop("clock")
    with mock.patch.object(sync_module, "time", mock.Mock(monotonic=clock)):
        yield options


@contextmanager
def stores(wrap: Callable[[int, Callable[[], Stored], Batch], Stored]) -> Iterator[None]:
    """Every storing of a batch goes through *wrap*, which gets its number from 1, what would store it, and the batch."""
    real = warehouse.store
    numbers = iter(range(1, 10**6))

    def wrapped(connection: sa.Connection, batch: Batch) -> Stored:
        return wrap(next(numbers), lambda: real(connection, batch), batch)

    with mock.patch.object(warehouse, "store", wrapped):
        yield


def told(engine: sa.Engine) -> list[str]:
    return [problem.key for problem in problems.open_problems(engine)]


def foreign(ids: Iterable[int]) -> list[dict[str, Any]]:
    return [record(one, timestamp=f"{TODAY} 0{one % 9}:00:07", actionId=8) for one in ids]
