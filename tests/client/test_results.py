"""Programs fetch rows and documents as they are stored, or are told why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webservers import LAUNCHED, TARGETS, FakeWebserver, run_answer

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused, TelemetryError, WebserverError, WebserverUnavailable


@pytest.fixture
def client(webserver: FakeWebserver) -> TelemetryClient:
    """At the front door."""
    webserver.answers |= {"Targets": TARGETS, "Launch": LAUNCHED}
    return TelemetryClient(f"{webserver.url}/dagster/graphql", token="tp_x")


def stored(**values: Any) -> dict[str, Any]:
    kinds = {"rows": "url", "period": "text"}
    return {
        "metadataEntries": [
            {"label": name, kinds[name]: value} if name in kinds else {"label": name, "jsonString": json.dumps(value)}
            for name, value in values.items()
        ]
    }


def computed(*materializations: dict[str, Any], status: str = "SUCCESS") -> dict[str, Any]:
    run = run_answer(status=status, executionPlan=None, stepStats=[])
    events = {"__typename": "EventConnection", "cursor": "1", "hasMore": False, "events": []}
    return {
        "Status": {"runOrError": run},
        "Run": {"runOrError": run},
        "Stored": {"runOrError": {"__typename": "Run", "assetMaterializations": list(materializations)}},
        "Events": {"runOrError": run, "logsForRun": events},
    }


@pytest.mark.parametrize("door", ["", "https://tv.example.com"], ids=["as its pages name it", "by its name"])
def test_rows_are_got_where_the_materialization_says_unrounded_and_with_their_columns_in_order(
    client: TelemetryClient, webserver: FakeWebserver, door: str
) -> None:
    path = "/api/analyses/top_channels?to=2026-11-21&channel=Canal+5%26%C3%B1&subscriber_code=&limit=1"
    facts = {"rows": f"{door}{path}", "period": "2026-10-23 to 2026-11-21", "parameters": {"limit": 1}}
    webserver.answers |= computed(stored(period="another day"), stored(**facts))
    rows = [{"share_pct": 100 / 3, "channel": "Canal 5"}]
    webserver.answers[path] = (200, json.dumps({"columns": ["share_pct", "channel"], "rows": rows}))
    result = client.result("top_channels", parameters={"limit": 1})
    assert result.rows == rows
    assert (result.columns, result.period, result.parameters) == (
        ("share_pct", "channel"),
        "2026-10-23 to 2026-11-21",
        {"limit": 1},
    )
    assert set(webserver.authorizations) == {"Bearer tp_x"}


def test_what_is_no_analysis_has_no_rows_and_is_not_launched(client: TelemetryClient, webserver: FakeWebserver) -> None:
    with pytest.raises(RequestRefused, match=r"there is no analysis 'ott_views'; analyses: top_channels$"):
        client.result("ott_views")
    assert [operation for operation, _ in webserver.asked] == ["Targets"]


def test_a_result_whose_run_fails_or_gives_no_rows_is_an_error(client: TelemetryClient, webserver: FakeWebserver) -> None:
    webserver.answers |= computed(status="FAILURE")
    with pytest.raises(TelemetryError, match="of top_channels did not succeed: failed: the run gave no reason"):
        client.result("top_channels")
    webserver.answers |= computed(stored())
    with pytest.raises(TelemetryError, match="does not say where its rows are"):
        client.result("top_channels")


@pytest.mark.parametrize(
    ("days", "query"),
    [
        ({}, ""),
        ({"partition": "2026-11-15"}, "?from=2026-11-15&to=2026-11-15"),
        ({"first": "2026-11-09", "last": "2026-11-15"}, "?from=2026-11-09&to=2026-11-15"),
    ],
    ids=["the newest", "of a day", "of a range"],
)
def test_a_document_is_got_at_the_front_door(webserver: FakeWebserver, days: dict[str, str], query: str) -> None:
    webserver.answers[f"/api/documents/full_analysis/stored{query}"] = (200, '{"views_version": 7}')
    client = TelemetryClient(f"{webserver.url}/dagster/graphql", token="tp_x")
    assert client.document("full_analysis", **days) == {"views_version": 7}
    assert webserver.authorizations == ["Bearer tp_x"]


@pytest.mark.parametrize(
    ("status", "text", "kind", "said"),
    [
        (404, '{"error": {"problem": "not computed", "advice": "launch it"}}', RequestRefused, "not computed; launch it"),
        (400, '{"error": {"problem": "no such day", "advice": ""}}', RequestRefused, "no such day"),
        (503, '{"error": {"problem": "away", "advice": ""}}', WebserverUnavailable, "away"),
        (200, "<html>", WebserverError, "answered HTTP 200 without JSON"),
    ],
)
def test_what_the_front_door_says_in_place_of_a_document_is_told(
    webserver: FakeWebserver, status: int, text: str, kind: type[TelemetryError], said: str
) -> None:
    webserver.answers["/api/documents/a%2Fb/stored"] = (status, text)
    with pytest.raises(kind, match=said):
        TelemetryClient(f"{webserver.url}/dagster/graphql").document("a/b")


@pytest.mark.parametrize("url", ["http://127.0.0.1:3000/graphql", "unix:/run/operators.sock:/dagster/graphql"])
def test_an_address_behind_the_front_door_has_no_results(url: str) -> None:
    with pytest.raises(RequestRefused, match=r"are read at the front door.*HOST/dagster/graphql"):
        TelemetryClient(url).document("full_analysis")
    with pytest.raises(RequestRefused, match="behind it"):
        TelemetryClient(url).result("top_channels")
