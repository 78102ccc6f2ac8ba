"""What programs ask is understood by a real web server of Dagster."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from webservers import toy_webserver

from telemetry_pipeline.client.answers import RunStatus, StepStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused, TelemetryError, WebserverError


@pytest.mark.slow
def test_a_run_is_launched_watched_and_found_again(toy: TelemetryClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    parameters = {"top_channels": {"limit": 5}}
    run_id = toy.launch("telemetry_range", first="2026-01-01", last="2026-01-03", parameters=parameters, tags={"who": "me"})
    seen = [(progress.percent, progress.message) for progress in toy.watch(run_id, poll_seconds=0.05)]
    assert seen[-1] == (100.0, "success")
    assert seen == sorted(seen, key=lambda each: each[0])
    progress = toy.progress(run_id)
    assert (progress.steps_done, progress.steps_total, progress.records_read) == (3, 3, 5_000_000_000)
    assert {asset: stored.rows for asset, stored in progress.stored.items()}["top_channels"] == 5
    run = toy.wait(run_id, 1)
    assert (run.target, run.partitions, run.status, run.tags["who"]) == (
        "telemetry_range",
        ("2026-01-01", "2026-01-03"),
        RunStatus.SUCCESS,
        "me",
    )
    assert [step.status for step in run.steps] == [StepStatus.SUCCESS] * 3
    found = toy.runs(job="telemetry_range", statuses=["SUCCESS"], created_after=before)
    assert run_id in [each.run_id for each in found]
    assert toy.runs(job="telemetry_range", created_before=before, created_after=before) == []


@pytest.mark.slow
def test_runs_are_read_page_by_page(toy: TelemetryClient) -> None:
    launched = [toy.launch("top_channels", partition="2026-01-01") for _ in range(2)]
    [first] = toy.runs(limit=1)
    [second] = toy.runs(limit=1, cursor=first.run_id)
    assert [first.run_id, second.run_id] == launched[::-1]
    for run_id in launched:
        toy.wait(run_id, 60)


@pytest.mark.slow
def test_steps_of_several_runs_are_read_at_once(toy: TelemetryClient) -> None:
    run_id = toy.launch("top_channels", partition="2026-01-01")
    toy.wait(run_id, 60)
    [run] = toy.runs(limit=1, steps=True)
    assert [(step.key, step.status) for step in run.steps] == [("general", StepStatus.SUCCESS)]
    assert toy.runs(limit=1)[0].steps == ()
    assert run_id in [found.run_id for found in toy.runs(job="__ASSET_JOB")]


@pytest.mark.slow
def test_checks_say_what_they_said_last(toy: TelemetryClient) -> None:
    [check] = toy.checks()
    assert (check.asset, check.name, check.blocking) == ("ott_views", "few_views_are_unnamed", False)
    assert check.description == "It never passes."
    toy.wait(toy.launch(["ott_views"], partition="2026-01-01"), 60)
    [check] = toy.checks()
    assert (check.passed, check.at is not None, check.run_id is not None) == (False, True, True)


@pytest.mark.slow
def test_a_failed_run_says_why_and_is_executed_again_from_its_failure(toy: TelemetryClient) -> None:
    failed = toy.launch(["telemetry_records", "ott_views"], partition="2026-02-02")
    assert toy.wait(failed, 60).status == RunStatus.FAILURE
    assert toy.progress(failed).message == "telemetry_records failed: PanAccess did not answer in 3 tries"
    again = toy.run(toy.reexecute(failed))
    assert (again.parent_run_id, again.partitions) == (failed, ("2026-02-02", "2026-02-02"))
    assert toy.wait(again.run_id, 60).status == RunStatus.FAILURE


@pytest.mark.slow
def test_a_run_is_cancelled_once(toy: TelemetryClient) -> None:
    run_id = toy.launch("telemetry_tick", partition="2026-03-03")
    next(progress for progress in toy.watch(run_id, poll_seconds=0.05) if progress.records_read)
    toy.cancel(run_id)
    assert toy.wait(run_id, 60).status == RunStatus.CANCELED
    with pytest.raises(TelemetryError, match="CANCELED"):
        toy.cancel(run_id)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"top_channels": {"limt": 5}}, 'unexpected config entry "limt".* Expected: "{ limit'),
        ({"top_channels": {"limit": "many"}}, 'Value "many" of type .* is not valid for expected type "Int"'),
        ({"nix": {}}, 'unexpected config entry "nix"'),
    ],
    ids=["name", "type", "asset"],
)
def test_wrong_parameters_are_refused_by_the_server(toy: TelemetryClient, parameters: Any, said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        toy.launch("telemetry_tick", partition="2026-01-01", parameters=parameters)


@pytest.mark.slow
def test_a_real_server_that_was_stopped_is_told(tmp_path: Path) -> None:
    with toy_webserver(tmp_path) as url:
        client = TelemetryClient(f"{url}/graphql")
        health = client.health()
        assert (health.code_problem, bool(health.code_server_id)) == (None, True)
    with pytest.raises(WebserverError, match="does not answer"):
        client.launch("telemetry_tick")
