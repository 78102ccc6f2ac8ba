"""A simulator, what syncs with it have stored, and what the program says of both."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from warehouse_events import select

from telemetry_pipeline.errors import AnotherUpstream
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.monitoring.components import Addresses, Components
from telemetry_pipeline.simulator.options import (
    DEFAULT_API_TOKEN,
    DEFAULT_PASSWORD,
    DEFAULT_SALT,
    DEFAULT_USERNAME,
)
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.warehouse.operations import problems

LARGEST = 2**63 - 1
FIRST = 5_000_000_000
ZONE, UTC_ZONE = ZoneInfo("America/Mexico_City"), ZoneInfo("UTC")
Cli = Callable[..., Outcome]


@dataclass
class Scene:
    """A simulator and what syncs with it have stored."""

    upstream: SimulatorServer
    engine: sa.Engine
    database_url: str
    redis_url: str

    def tick(self) -> int:
        """How many records were new."""
        client = PanAccessClient(
            self.upstream.url, Credentials(DEFAULT_USERNAME, DEFAULT_PASSWORD, DEFAULT_API_TOKEN, DEFAULT_SALT)
        )
        feed = Feed(client, PageDecoder(UTC_ZONE, ZONE), UTC_ZONE)
        sync = Sync(self.engine, feed, ZONE, time.monotonic() + 60)
        today = datetime.now(ZONE).date()
        sync.run(today, today, includes_today=True)
        return sync.outcome.stored

    def refused(self) -> None:
        """A tick that stores nothing."""
        before = self.records
        with pytest.raises(AnotherUpstream):
            self.tick()
        assert self.records == before

    def add(self, *ids: int) -> None:
        """New records of now."""
        stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        self.upstream.add_records({"recordId": one, "actionId": 7, "timestamp": stamp} for one in ids)

    @property
    def records(self) -> int:
        return int(select(self.engine, "select count(*) from telemetry.records")[0][0])

    @property
    def newest(self) -> int:
        return int(self.upstream.records()[-1]["recordId"])

    @property
    def told(self) -> list[str]:
        return [each.key for each in problems.open_problems(self.engine)]

    def ticks_have_stopped(self) -> bool:
        """Whether the watch says so, a quarter of an hour after all syncs before the last one."""
        at = Addresses(self.engine, self.engine, self.redis_url, "http://127.0.0.1:9/")
        times = iter([datetime.now(UTC) - timedelta(days=1)])
        look = Components(at, timedelta(minutes=10), lambda: next(times, datetime.now(UTC))).look()
        return look["ticks"].fault is not None

    def let_time_pass(self) -> None:
        with self.engine.begin() as connection:
            connection.execute(sa.text("update telemetry.sync_state set synced_at = synced_at - interval '15 minutes'"))
            connection.execute(sa.text("update telemetry.problems set last_at = last_at - interval '15 minutes'"))


def upstream_line(outcome: Outcome) -> str:
    [line] = [line for line in outcome.out.splitlines() if line.startswith("upstream ")]
    return line.split(maxsplit=1)[1]


def doctor_says(cli: Cli, check: str) -> str:
    [line] = [line for line in cli("doctor").out.splitlines() if f" {check}: " in line]
    return line
