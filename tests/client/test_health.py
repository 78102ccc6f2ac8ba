"""Programs are told whether the pipeline works, and by which server they are told."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from webservers import LOADED, FakeWebserver, fake_webserver

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import TelemetryError, WebserverError


def health_answer(workspace: dict[str, Any]) -> dict[str, Any]:
    statuses = [
        {"daemonType": "SENSOR", "required": True, "healthy": True},
        {"daemonType": "SCHEDULER", "required": True, "healthy": False},
        {"daemonType": "BACKFILL", "required": False, "healthy": False},
    ]
    return {"version": "1.13.27", "instance": {"daemonHealth": {"allDaemonStatuses": statuses}}, **workspace}


def location(**entry: Any) -> dict[str, Any]:
    entries = [{"name": "another", "loadStatus": "LOADED", "locationOrLoadError": None}]
    if entry:
        entries.append({"name": "telemetry_pipeline", **entry})
    return {"workspaceOrError": {"__typename": "Workspace", "locationEntries": entries}}


BROKEN = {"__typename": "PythonError", "message": "SyntaxError: bad\n", "causes": []}


@pytest.mark.parametrize(
    ("workspace", "problem"),
    [
        (LOADED, None),
        (location(loadStatus="LOADING", locationOrLoadError=None), "telemetry_pipeline is still loading"),
        (location(loadStatus="LOADED", locationOrLoadError=BROKEN), "SyntaxError: bad"),
        (location(), "there is no code location telemetry_pipeline"),
        ({"workspaceOrError": BROKEN}, "SyntaxError: bad"),
    ],
    ids=["loaded", "loading", "broken", "missing", "no workspace"],
)
def test_health_says_what_is_wrong(
    client: TelemetryClient, webserver: FakeWebserver, workspace: dict[str, Any], problem: str | None
) -> None:
    webserver.answers["Health"] = health_answer(workspace)
    health = client.health()
    assert (health.version, health.code_problem) == ("1.13.27", problem)
    assert (health.daemon_ids, health.silent_daemons) == (("sensor", "scheduler"), ("scheduler",))


def test_the_code_servers_id_is_told(client: TelemetryClient, webserver: FakeWebserver) -> None:
    loaded = {"__typename": "RepositoryLocation", "serverId": "id-of-the-process"}
    webserver.answers["Health"] = health_answer(location(loadStatus="LOADED", locationOrLoadError=loaded))
    assert client.health().code_server_id == "id-of-the-process"


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        ((200, "<html>"), WebserverError, "answered HTTP 200 without GraphQL"),
        ((502, "Bad gateway"), WebserverError, "answered HTTP 502 without GraphQL"),
        ((200, "[]"), WebserverError, "answered HTTP 200 without GraphQL"),
        ((404, "{}"), TelemetryError, "could not answer: HTTP 404"),
        ((500, json.dumps({"errors": [{"message": "the database\nis down"}]})), WebserverError, "the database is down"),
    ],
    ids=["html", "proxy", "list", "not found", "database"],
)
def test_a_server_without_graphql_or_without_its_database_is_told(
    client: TelemetryClient, webserver: FakeWebserver, answer: tuple[int, str], error: type[Exception], said: str
) -> None:
    webserver.answers["Health"] = answer
    with pytest.raises(error, match=said):
        client.health()


def test_a_server_that_was_stopped_does_not_answer() -> None:
    with fake_webserver() as fake:
        fake.answers["Health"] = health_answer(LOADED)
        client = TelemetryClient(f"{fake.url}/graphql")
        client.health()
    with pytest.raises(WebserverError, match=r"does not answer \(connection (refused|lost)\)"):
        client.health()


@pytest.mark.parametrize("url", ["nonsense", "http://", "ftp://127.0.0.1/graphql"])
def test_an_address_that_is_none_is_told(url: str) -> None:
    with pytest.raises(WebserverError, match="does not answer"):
        TelemetryClient(url).health()


def test_a_server_that_says_nothing_is_given_up_after_the_time_given(webserver: FakeWebserver) -> None:
    given_up = threading.Event()
    webserver.answers["Health"] = lambda _: given_up.wait(10) and {}
    with pytest.raises(WebserverError, match="time-out"):
        TelemetryClient(f"{webserver.url}/graphql", timeout_seconds=0.1).health()
    given_up.set()
