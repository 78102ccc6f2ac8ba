"""A client of a simulator, the ids that it gets, and how often the simulator was called."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.simulator.server import SimulatorServer
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.records import PageDecoder

LIST = "getListOfTelemetryRecords"
GOOD = Credentials("simulator", "simulator", "simulator", "simulator")
DECODE = PageDecoder(ZoneInfo("UTC"), ZoneInfo("UTC"))
RECORDS = [{"recordId": number, "timestamp": "2025-01-01 00:00:00"} for number in range(1, 8)]


def client(server: SimulatorServer, credentials: Credentials = GOOD, **options: object) -> PanAccessClient:
    return PanAccessClient(server.url, credentials, **{"retry_seconds": 0.001, **options})  # type: ignore[arg-type]


def ids(one: PanAccessClient, **options: Any) -> list[int]:
    return one.call(LIST, {"orderBy": "recordId", "limit": 10}, DECODE, **options).ids


def calls(server: SimulatorServer) -> dict[str, int]:
    found: dict[str, int] = server.requests()["functions"]
    return found
