"""The client over HTTP against the whole stack that is running."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from terminal import Operator, days_ago

from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused, TelemetryError

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def client(operator: Operator, ranged: str) -> TelemetryClient:
    return operator.client


def test_everything_is_well(client: TelemetryClient) -> None:
    health = client.health()
    assert (health.code_problem, health.silent_daemons) == (None, ())
    assert health.code_server_id
    assert {"scheduler", "sensor", "monitoring"} <= set(health.daemon_ids)


def test_the_rows_of_an_analysis_are_those_that_the_command_line_shows(client: TelemetryClient, operator: Operator) -> None:
    result = client.result("time_slots")
    assert result.rows == json.loads(operator.types("show", "time_slots", "--format", "json").stdout)
    assert list(result.rows[0]) == list(result.columns)
    assert any(row["share_pct"] != round(row["share_pct"], 2) for row in result.rows)
    assert client.run(result.run_id).partitions == (days_ago(0), days_ago(0))


def test_a_result_has_more_rows_than_the_preview_and_its_parameters(client: TelemetryClient) -> None:
    result = client.result("top_channels", partition=days_ago(1), parameters={"limit": 12})
    assert [row["rank"] for row in result.rows] == list(range(1, 13))
    assert result.parameters["limit"] == 12
    assert result.period.endswith(days_ago(1))


def test_a_period_is_analysed_over_its_range(client: TelemetryClient) -> None:
    first, last = date.fromisoformat(days_ago(4)), date.fromisoformat(days_ago(2))
    result = client.result("period_summary", first=first, last=last)
    assert [row["days"] for row in result.rows] == [3]
    assert (str(first) in result.period, str(last) in result.period) == (True, True)


def test_rows_are_not_in_the_event_log(client: TelemetryClient, operator: Operator) -> None:
    run_id = client.launch("geography")
    assert client.wait(run_id, 120).status == RunStatus.SUCCESS
    found = operator.asks(
        """query($id: ID!) { runOrError(runId: $id) { ... on Run { assetMaterializations {
            metadataEntries { label ... on UrlMetadataEntry { url } } } } } }""",
        id=run_id,
    )
    [stored] = found["runOrError"]["assetMaterializations"]
    [address] = [entry["url"] for entry in stored["metadataEntries"] if entry["label"] == "rows"]
    assert f"/api/analyses/geography?to={days_ago(0)}" in address


def test_a_document_is_that_of_its_days(client: TelemetryClient) -> None:
    assert client.document("full_analysis")["missing"] == []
    assert "top_subscribers" in client.document("subscribers_analysis", days_ago(5))["analyses"]
    with pytest.raises(RequestRefused, match=r"period_analysis of .* has not been computed; launch it; the newest is of"):
        client.document("period_analysis", first=days_ago(7), last=days_ago(6))


def test_a_job_without_partitions_is_launched(client: TelemetryClient) -> None:
    run = client.wait(client.launch("telemetry_cleanup"), 120)
    assert (run.target, run.partitions, run.status) == ("telemetry_cleanup", None, RunStatus.SUCCESS)


def test_a_cancelled_run_is_found_among_the_runs_and_goes_on_when_executed_again(client: TelemetryClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    run_id = client.launch("telemetry_range", first=days_ago(1), last=days_ago(0))
    next(progress for progress in client.watch(run_id) if progress.steps_done)
    client.cancel(run_id)
    assert client.wait(run_id, 60).status == RunStatus.CANCELED
    found = client.runs(statuses=[RunStatus.CANCELED], job="telemetry_range", created_after=before)
    assert [run.run_id for run in found] == [run_id]
    assert client.runs(statuses=[RunStatus.CANCELED], created_before=before, job="telemetry_range") == []
    again = client.reexecute(run_id)
    *_, progress = client.watch(again)
    assert (progress.percent, progress.message) == (100.0, "success")
    assert client.run(again).parent_run_id == run_id
    assert progress.steps_total < len(client.run(run_id).steps)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"target": "nix"}, "there is no job or asset 'nix'; jobs: telemetry_cleanup, "),
        ({"target": "telemetry_tick", "partition": "2019-01-01"}, "there is no partition 2019-01-01; allowed are "),
        ({"target": "telemetry_tick", "first": days_ago(1), "last": days_ago(0)}, "is for one day"),
        ({"target": "telemetry_range", "first": "2026-11-02", "last": "2026-11-01"}, "2026-11-01, before it"),
        ({"target": "top_channels", "parameters": {"top_channels": {"limt": 5}}}, 'unexpected config entry "limt"'),
        ({"target": "top_channels", "parameters": {"top_channels": {"limit": 0}}}, "greater than or equal to 1"),
        ({"target": "top_channels", "parameters": {"geography": {}}}, "is not launched; launched: top_channels"),
        ({"target": "telemetry_tick", "parameters": {"nix": {}}}, 'unexpected config entry "nix"'),
        ({"target": "subscriber_profile"}, "subscriber_code: Field required"),
    ],
    ids=lambda value: None if isinstance(value, dict) else value.split(";")[0][:30],
)
def test_what_cannot_be_is_refused_with_what_can(client: TelemetryClient, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        client.launch(**arguments)
    assert said in str(refused.value)


def test_a_result_that_takes_too_long_is_told_and_comes_with_the_next_call(client: TelemetryClient) -> None:
    with pytest.raises(TelemetryError, match="has not ended after 0 s"):
        client.result("peak_hours", timeout_seconds=0)
    assert client.result("peak_hours").rows
