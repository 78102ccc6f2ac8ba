"""A simulator of seven records, what a client waits between tries, a store that clients share, and small pages of a feed."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from unittest import mock

import pytest
import redis
from panaccess_calls import RECORDS

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess import feed as feed_module
from telemetry_pipeline.sources.panaccess.calls.session import RedisStore


@pytest.fixture(scope="module")
def running_server() -> Iterator[SimulatorServer]:
    with SimulatorServer(Options(records_count=0, login_limit=10**6, latency_ms=1)) as started:
        started.add_records(RECORDS)
        yield started


@pytest.fixture
def server(running_server: SimulatorServer) -> SimulatorServer:
    """Seven records, no faults, no sessions, nothing counted yet."""
    running_server.set_faults([])
    running_server.expire_sessions()
    running_server.reset_requests()
    return running_server


@pytest.fixture
def delays(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Instead of sleeping between tries, the delays are written down."""
    waited: list[float] = []
    monkeypatch.setattr("tenacity.nap.time", SimpleNamespace(sleep=waited.append))
    return waited


@pytest.fixture
def shared_store(redis_url: str) -> RedisStore:
    with redis.Redis.from_url(redis_url) as connection:
        connection.flushdb()
    return RedisStore(redis_url)


@pytest.fixture
def pages_of_five() -> Iterator[None]:
    with mock.patch.object(feed_module, "PAGE_SIZE", 5):
        yield
