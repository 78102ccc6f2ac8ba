"""Clients of a fake web server and of a real one."""

from __future__ import annotations

import pytest
from webservers import LAUNCHED, TARGETS, FakeWebserver

from telemetry_pipeline.client.pipeline import TelemetryClient


@pytest.fixture
def client(webserver: FakeWebserver) -> TelemetryClient:
    """A client of the fake web server."""
    webserver.answers |= {"Targets": TARGETS, "Launch": LAUNCHED}
    return TelemetryClient(f"{webserver.url}/graphql")


@pytest.fixture
def toy(dagster_webserver: str) -> TelemetryClient:
    """A client of a real web server over the toy pipeline."""
    return TelemetryClient(f"{dagster_webserver}/graphql")
