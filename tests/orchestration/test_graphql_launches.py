"""Launches over GraphQL whose parameters are in another form, as Dagster's web server answers them behind our own."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from telemetry_pipeline.client.documents import LOCATION, REPOSITORY
from telemetry_pipeline.client.graphql import Endpoint
from telemetry_pipeline.orchestration.runtime.graphql_launches import Webserver

FIVE = '{"ops": {"general": {"config": {"top_channels": {"limit": 5}}}}}'
LAUNCH = """mutation($params: ExecutionParams!) {
  launchRun(executionParams: $params) { __typename ... on PythonError { message className } }
}"""
LAUNCH_SEVERAL = """mutation($params: [ExecutionParams!]!) {
  launchMultipleRuns(executionParamsList: $params) { __typename ... on PythonError { message className } }
}"""
BACKFILL = """mutation($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) { __typename ... on PythonError { message className } }
}"""


@pytest.fixture(scope="module")
def webserver() -> Any:
    """Without a workspace: whatever is let through fails there."""
    return Webserver(None)


def ask(webserver: Any, query: str, params: Any) -> Any:
    answer = asyncio.run(webserver.build_graphql_schema().execute_async(query, variables={"params": params}))
    assert answer.errors is None, answer.errors
    [value] = answer.data.values()
    return value


def launch(config: object, job: str = "telemetry_tick", assets: list[str] | None = None) -> dict[str, Any]:
    selector: dict[str, Any] = {"repositoryLocationName": "a", "repositoryName": "b", "jobName": job}
    if assets is not None:
        selector["assetSelection"] = [{"path": [name]} for name in assets]
    return {"selector": selector, "mode": "default", "runConfigData": config}


@pytest.mark.parametrize(
    "params",
    [
        launch({"ops": {"top_channels": {"config": {"limit": 5}}}}),
        launch({"top_channels": {"limit": 5}}),
        launch(json.dumps({"solids": {"top_channels": {"config": {"limit": 5}}}})),
        launch({"limit": 5}, "__ASSET_JOB", ["top_channels"]),
        launch({}) | {"executionMetadata": {"tags": [{"key": "top_channels.limit", "value": "5"}]}},
    ],
    ids=["as a step of its own", "without ops", "solids, as text", "of the only asset", "tags"],
)
def test_a_launch_with_parameters_in_another_form_is_told_the_right_one(webserver: Any, params: dict[str, Any]) -> None:
    answer = ask(webserver, LAUNCH, params)
    assert (answer["__typename"], answer["className"]) == ("PythonError", "RequestRefused")
    assert "parameters are not written as " in answer["message"]
    assert f"; write {FIVE}" in answer["message"]


def test_so_are_several_launches_and_backfills(webserver: Any) -> None:
    several = ask(webserver, LAUNCH_SEVERAL, [launch({}), launch({"top_channels": {"limit": 5}})])
    assert FIVE in several["message"]
    backfill = {"assetSelection": [{"path": ["top_channels"]}], "runConfigData": {"limit": 5}}
    assert FIVE in ask(webserver, BACKFILL, backfill)["message"]


@pytest.mark.slow
def test_a_real_server_says_it_and_launches_what_is_in_the_right_form(dagster_webserver: str) -> None:
    server = Endpoint(f"{dagster_webserver}/graphql", 60)
    right = launch(json.loads(FIVE)) | {
        "selector": {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "jobName": "telemetry_tick"},
        "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "2026-01-01"}]},
    }
    answer = server.ask(LAUNCH, params=right | {"runConfigData": {"top_channels": {"limit": 5}}})["launchRun"]
    assert "parameters are not written as " in answer["message"]
    assert f"; write {FIVE}" in answer["message"]
    assert server.ask(LAUNCH, params=right)["launchRun"] == {"__typename": "LaunchRunSuccess"}


@pytest.mark.parametrize(
    "config", [{}, json.loads(FIVE), None, "{", "5"], ids=["none", "right", "null", "no yaml", "no mapping"]
)
def test_what_is_in_the_right_form_or_in_none_is_left_to_dagster(webserver: Any, config: object) -> None:
    assert ask(webserver, LAUNCH, launch(config))["className"] != "RequestRefused"
