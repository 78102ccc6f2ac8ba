from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from webservers import LOADED, FakeWebserver

from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.servers import Servers
from telemetry_pipeline.errors import WebserverError, WebserverUnavailable

BROKEN = {"__typename": "PythonError", "message": "ImportError: no duckdb", "className": "ImportError", "causes": []}


def location(status: str, what: dict[str, Any] | None) -> dict[str, Any]:
    entry = {"name": "telemetry_pipeline", "loadStatus": status, "locationOrLoadError": what}
    return {"workspaceOrError": {"__typename": "Workspace", "locationEntries": [entry]}}


@pytest.mark.parametrize(
    ("answer", "loaded"),
    [
        (LOADED, True),
        (location("LOADING", None), False),
        ({"workspaceOrError": {"__typename": "Workspace", "locationEntries": []}}, False),
    ],
    ids=["loaded", "on its way", "not known yet"],
)
def test_code_that_is_on_its_way_is_waited_for(webserver: FakeWebserver, answer: dict[str, Any], loaded: bool) -> None:
    webserver.answers["Code"] = answer
    assert Servers(f"{webserver.url}/graphql").code_is_loaded() is loaded


@pytest.mark.parametrize(
    "answer", [location("LOADED", BROKEN), {"workspaceOrError": BROKEN}], ids=["its own", "the workspace's"]
)
def test_code_that_cannot_be_loaded_ends_the_wait_with_the_reason(webserver: FakeWebserver, answer: dict[str, Any]) -> None:
    """Else the stack's start waits for it until its time is over, and nobody hears why."""
    webserver.answers["Code"] = answer
    with pytest.raises(WebserverError, match="the pipeline's code cannot be loaded: ImportError: no duckdb"):
        Servers(f"{webserver.url}/graphql").code_is_loaded()


def test_nobody_there_is_another_error_than_a_server_that_fails() -> None:
    """The stack waits for the one, and says the other."""
    with pytest.raises(WebserverUnavailable):
        Servers("http://127.0.0.1:1/graphql").health()


def test_what_an_earlier_stack_left_unfinished_is_abandoned_and_later_runs_go_on(dagster_webserver: str) -> None:
    client = TelemetryClient(f"{dagster_webserver}/graphql")
    left = client.launch("telemetry_tick", partition="2026-03-03")
    before = datetime.now(UTC)
    later = client.launch("telemetry_tick", partition="2026-03-03")
    assert client.abandon(before) == 1
    assert client.run(left).status == RunStatus.CANCELED
    assert not client.run(later).status.ended
    assert client.abandon(datetime.now(UTC)) == 1
    assert client.abandon(datetime.now(UTC)) == 0
