"""Programs fetch rows and documents as they were computed, or are told why not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from webservers import FakeWebserver, launched, run_answer

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused, TelemetryError


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
    ("name", "node", "said"),
    [
        ("nix", {"__typename": "AssetNotFoundError", "message": "no"}, "no document 'nix'; documents: full_analysis"),
        ("top_channels", {"assetMaterializations": [stored({})]}, "no document 'top_channels'; documents: full_analysis"),
        ("full_analysis", {"assetMaterializations": []}, "of 2026-11-01 has not been computed; launch it"),
        ("full_analysis", {"assetMaterializations": [stored({})]}, "of 2026-11-01 was computed within a range"),
    ],
    ids=["unknown", "an analysis", "not computed", "in the middle of a range"],
)
def test_a_document_that_is_not_there_is_refused(
    client: TelemetryClient, webserver: FakeWebserver, name: str, node: dict[str, Any], said: str
) -> None:
    webserver.answers["Document"] = {"assetNodeOrError": {"__typename": "AssetNode", **node}}
    with pytest.raises(RequestRefused, match=said):
        client.document(name, "2026-11-01")


def test_a_document_of_a_day_is_not_that_of_a_longer_period_that_was_computed_last(
    client: TelemetryClient, webserver: FakeWebserver
) -> None:
    bodies = [
        {"filters": {"first": first, "last": "2026-11-15"}, "views_version": number}
        for number, first in enumerate(["2026-10-02", "2026-11-15", "2026-11-09"])
    ]
    answer = {"assetMaterializations": [stored({"document": body}) for body in bodies]}
    webserver.answers["Document"] = {"assetNodeOrError": {"__typename": "AssetNode", **answer}}
    assert client.document("full_analysis") == bodies[1]
    assert client.document("full_analysis", "2026-11-15") == bodies[1]
    assert client.document("full_analysis", first="2026-11-09", last="2026-11-15") == bodies[2]
    with pytest.raises(RequestRefused, match="of 2026-11-10 to 2026-11-15 was computed within a range"):
        client.document("full_analysis", first="2026-11-10", last="2026-11-15")
