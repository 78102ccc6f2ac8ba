"""Programs fetch rows and documents as they are stored, or are told why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webservers import FakeWebserver, launched, run_answer

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused, TelemetryError, WebserverError, WebserverUnavailable


def stored(values: dict[str, Any], *columns: str) -> dict[str, Any]:
    entries: list[dict[str, Any]] = [{"label": name, "jsonString": json.dumps(value)} for name, value in values.items()]
    if columns:
        schema = {"columns": [{"name": column} for column in columns]}
        entries.append({"label": "preview", "table": {"schema": schema}})
    return {"partition": "2026-11-21", "metadataEntries": entries}


def computed(*materializations: dict[str, Any], status: str = "SUCCESS") -> dict[str, Any]:
    run = run_answer(status=status, executionPlan=None, stepStats=[])
    events = {"__typename": "EventConnection", "cursor": "1", "hasMore": False, "events": []}
    return {
        "Status": {"runOrError": run},
        "Run": {"runOrError": run},
        "Rows": {"runOrError": {"__typename": "Run", "assetMaterializations": list(materializations)}},
        "Events": {"runOrError": run, "logsForRun": events},
    }


def test_rows_have_their_columns_in_order_and_their_numbers_unrounded(
    client: TelemetryClient, webserver: FakeWebserver
) -> None:
    rows = [{"share_pct": 100 / 3, "channel": "Canal 5"}]
    facts = {"rows": rows, "period": "2026-10-23 to 2026-11-21", "parameters": {"limit": 1}}
    webserver.answers |= computed(stored({"period": "another day"}), stored(facts, "channel", "share_pct"))
    result = client.result("top_channels", parameters={"limit": 1})
    assert [list(row.items()) for row in result.rows] == [[("channel", "Canal 5"), ("share_pct", 100 / 3)]]
    assert (result.columns, result.period, result.parameters) == (
        ("channel", "share_pct"),
        "2026-10-23 to 2026-11-21",
        {"limit": 1},
    )
    assert {"key": "telemetry/rows", "value": "all"} in launched(webserver)["executionMetadata"]["tags"]


def test_a_result_without_rows_has_columns(client: TelemetryClient, webserver: FakeWebserver) -> None:
    webserver.answers |= computed(stored({"rows": [], "period": "", "parameters": {}}, "channel"))
    result = client.result("top_channels")
    assert (result.columns, result.rows) == (("channel",), [])


def test_what_is_no_analysis_has_no_rows_and_is_not_launched(client: TelemetryClient, webserver: FakeWebserver) -> None:
    with pytest.raises(RequestRefused, match=r"there is no analysis 'ott_views'; analyses: top_channels$"):
        client.result("ott_views")
    assert [operation for operation, _ in webserver.asked] == ["Targets"]


def test_a_result_whose_run_fails_or_gives_no_rows_is_an_error(client: TelemetryClient, webserver: FakeWebserver) -> None:
    webserver.answers |= computed(status="FAILURE")
    with pytest.raises(TelemetryError, match="of top_channels did not succeed: failed: the run gave no reason"):
        client.result("top_channels")
    webserver.answers |= computed(stored({}))
    with pytest.raises(TelemetryError, match="succeeded without its rows"):
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
def test_an_address_behind_the_front_door_has_no_documents(url: str) -> None:
    with pytest.raises(RequestRefused, match=r"is asked at the front door.*HOST/dagster/graphql"):
        TelemetryClient(url).document("full_analysis")
