from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from cli_harness import Outcome
from webservers import LOADED, TARGETS, FakeWebserver

from telemetry_pipeline.days import today
from telemetry_pipeline.settings.loading import StackSettings


@pytest.mark.slow
def test_a_run_over_a_range_shows_progress_and_what_was_stored(
    cli: Callable[..., Outcome], announce: Callable[..., None], dagster_webserver: str
) -> None:
    announce(dagster_webserver)
    outcome = cli(*("run", "telemetry_range", "--from", "2026-01-01", "--to", "2026-01-03", "--set", "top_channels.limit=5"))
    assert (outcome.status, outcome.err) == (0, "")
    assert "telemetry_range 2026-01-01 to 2026-01-03: run " in outcome.out
    assert "100 %  3/3 steps  success" in outcome.out
    lines = [line.split() for line in outcome.out.splitlines()]
    assert ["telemetry_records", "5,000,000,000", "3"] in [line[:3] for line in lines]
    assert ["top_channels", "5", "3"] in [line[:3] for line in lines]
    assert "telemetry_range 2026-01-01 to 2026-01-03: success in" in outcome.out


@pytest.mark.slow
def test_a_failed_run_says_which_step_failed_and_why(
    cli: Callable[..., Outcome], announce: Callable[..., None], dagster_webserver: str
) -> None:
    announce(dagster_webserver)
    outcome = cli("run", "telemetry_tick", "--partition", "2026-02-02")
    assert outcome.status == 1
    assert outcome.err == "error: telemetry_records failed: PanAccess did not answer in 3 tries\n"
    run_id = outcome.out.split("status ")[1].split("'")[0]

    shown = cli("status", run_id)
    assert shown.status == 0
    assert "telemetry_records failed: PanAccess did not answer in 3 tries" in shown.out
    assert [line.split()[1:3] for line in shown.out.splitlines() if line.startswith("ott_views")] == [["not", "started"]]


@pytest.mark.slow
def test_an_asset_runs_alone(cli: Callable[..., Outcome], announce: Callable[..., None], dagster_webserver: str) -> None:
    announce(dagster_webserver)
    outcome = cli("run", "top_channels", "--partition", "2026-01-01")
    assert outcome.status == 0
    assert "100 %  1/1 steps  success" in outcome.out
    shown = cli("status")
    assert "top_channels" in shown.out
    assert "PostgreSQL     PostgreSQL cannot be reached" in shown.out
    assert shown.status == 1


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_ctrl_c_cancels_the_run_and_waits_for_its_end(announce: Callable[..., None], dagster_webserver: str) -> None:
    announce(dagster_webserver)
    command = [sys.executable, "-m", "telemetry_pipeline", "run", "telemetry_tick", "--partition", "2026-03-03"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if "5,000,000,000 of 10,000,000,000 records" in line:
            break
        if len(said) > 30:
            process.kill()
            pytest.fail("".join(said))
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert (process.returncode, err) == (130, "")
    assert "cancelling the run" in out
    assert "telemetry_tick 2026-03-03: cancelled in" in out


@pytest.mark.slow
def test_parameters_that_only_the_server_knows_are_refused_in_one_line(
    cli: Callable[..., Outcome], announce: Callable[..., None], dagster_webserver: str
) -> None:
    announce(dagster_webserver)
    outcome = cli("run", "telemetry_tick", "--set", "top_channels.window_days=5")
    assert outcome.status == 1
    assert outcome.err.startswith('error: Received unexpected config entry "window_days"')
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["telemetry_range", "--from", "2026-10-01"],
            "a range needs both its first and its last day",
        ),
        (
            ["telemetry_tick", "--from", "2026-10-01", "--to", "2026-10-02"],
            "telemetry_tick is for one day; for a range",
        ),
        (
            ["ott_views", "--partition", "2026-10-01", "--from", "2026-10-01", "--to", "2026-10-02"],
            "give either a partition or a range",
        ),
        (["telemetry_range", "--from", "2026-10-02", "--to", "2026-10-01"], "cannot begin on 2026-10-02"),
        (["telemetry_cleanup", "--partition", "2026-10-01"], "telemetry_cleanup has no partitions"),
        (["ott_views", "--partition", "2026-02-30"], "'2026-02-30' is not a day such as 2026-01-31"),
        (["ott_views", "--partition", "20261001"], "'20261001' is not a day such as 2026-01-31"),
    ],
)
def test_options_that_make_no_sense_are_a_usage_error(cli: Callable[..., Outcome], arguments: list[str], said: str) -> None:
    outcome = cli("run", *arguments)
    assert outcome.status == 2
    assert said in outcome.err


def test_days_before_the_simulated_ones_are_refused(cli: Callable[..., Outcome]) -> None:
    outcome = cli("run", "telemetry_tick", "--partition", "2025-06-01")
    assert outcome.status == 1
    first = today(StackSettings.load().operator_zone) - timedelta(days=90)
    assert f"there is no partition 2025-06-01\n-> allowed are {first} (FIRST_PARTITION) to " in outcome.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["everything"],
            "jobs: telemetry_tick, telemetry_range, telemetry_merge, telemetry_rebuild, telemetry_cleanup; assets: ",
        ),
        (["telemetry_tock"], "did you mean telemetry_tick?"),
        (["telemetry_tick", "--partition", "2024-12-31"], "allowed are 2025-01-01 (FIRST_PARTITION) to "),
        (["telemetry_tick", "--partition", "2099-01-01"], "(today in America/Mexico_City)"),
        (["telemetry_range", "--from", "2024-01-01", "--to", "2026-10-01"], "there is no partition 2024-01-01"),
        (["telemetry_tick", "--set", "top_channels.limit=0"], "top_channels.limit cannot be '0'"),
        (["telemetry_tick", "--set", "top_channels.size=1"], "it has window_days=30, limit=20"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_starts(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, arguments: list[str], said: str
) -> None:
    monkeypatch.setenv("FIRST_PARTITION", "2025-01-01")
    outcome = cli("run", *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert said in outcome.err
    assert [line[:3] for line in outcome.err.splitlines()] in (["err"], ["err", "-> "])


def test_a_run_without_a_day_is_of_the_operators_today(
    cli: Callable[..., Outcome], webserver: FakeWebserver, announce: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two zones whose days always differ."""
    refused = {"launchRun": {"__typename": "RunConflict", "message": "asked"}}
    webserver.answers |= {"Code": LOADED, "Targets": TARGETS, "Launch": refused}
    announce(webserver.url)
    for zone in ("Pacific/Kiritimati", "Pacific/Pago_Pago"):
        monkeypatch.setenv("OPERATOR_TIMEZONE", zone)
        cli("run", "telemetry_tick")
    east, west = (variables["params"]["executionMetadata"]["tags"] for name, variables in webserver.asked if name == "Launch")
    assert east[0]["key"] == west[0]["key"] == "dagster/partition"
    assert east[0]["value"] > west[0]["value"]


def test_the_clean_up_is_launched_without_a_day(
    cli: Callable[..., Outcome], webserver: FakeWebserver, announce: Callable[..., None]
) -> None:
    refused = {"launchRun": {"__typename": "RunConflict", "message": "asked"}}
    webserver.answers |= {"Code": LOADED, "Targets": TARGETS, "Launch": refused}
    announce(webserver.url)
    assert cli("run", "telemetry_cleanup").err == "error: asked\n"
    assert webserver.asked[-1][1]["params"]["executionMetadata"]["tags"] == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {
                "__typename": "PythonError",
                "message": "telemetry_pipeline.errors.RequestRefused: allowed are 2025-01-01\nto today\n",
                "className": "RequestRefused",
                "causes": [],
            },
            "allowed are 2025-01-01 to today",
        ),
        ({"__typename": "PipelineNotFoundError", "message": "Could not find job"}, "Could not find job"),
        ({"__typename": "NoModeProvidedError"}, "the server answered NoModeProvidedError"),
    ],
)
def test_what_the_server_refuses_is_one_line(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    answer: dict[str, Any],
    said: str,
) -> None:
    webserver.answers |= {"Code": LOADED, "Targets": TARGETS, "Launch": {"launchRun": answer}}
    announce(webserver.url)
    outcome = cli("run", "telemetry_tick")
    assert (outcome.status, outcome.err) == (1, f"error: {said}\n")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ((200, "<html>"), "answered HTTP 200 without GraphQL"),
        ((404, "{}"), "could not answer: HTTP 404"),
        ((500, "oops"), "answered HTTP 500 without GraphQL"),
        ((500, json.dumps({"errors": [{"message": "the database is down"}]})), "the database is down"),
        ((200, json.dumps({"errors": [{"message": "Cannot query\nfield"}]})), "could not answer: Cannot query field"),
    ],
)
def test_another_server_at_that_address_is_told(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    answer: tuple[int, str],
    said: str,
) -> None:
    webserver.answers["Code"] = answer
    announce(webserver.url)
    outcome = cli("run", "telemetry_tick")
    assert outcome.status == 1
    assert said in outcome.err
    assert [line[:3] for line in outcome.err.splitlines()] in (["err"], ["err", "-> "])


@pytest.mark.parametrize("name", ["WEBSERVER_URL", "WEB_URL"])
def test_in_production_a_run_goes_to_the_web_server_and_no_second_stack_is_started(
    cli: Callable[..., Outcome], webserver: FakeWebserver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A second daemon would launch every tick a second time."""
    monkeypatch.setattr("telemetry_pipeline.stack.stack.Stack", None)
    monkeypatch.setenv(name, webserver.url)
    refused = {"launchRun": {"__typename": "RunConflict", "message": "asked"}}
    webserver.answers |= {"Code": LOADED, "Targets": TARGETS, "Launch": refused}
    outcome = cli("run", "telemetry_tick")
    assert (outcome.status, outcome.out, outcome.err) == (1, "", "error: asked\n")


def test_days_of_a_pipeline_elsewhere_are_those_of_the_settings(
    cli: Callable[..., Outcome], webserver: FakeWebserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not those of the simulator, which would stand in only here."""
    monkeypatch.setenv("WEBSERVER_URL", webserver.url)
    refused = {"launchRun": {"__typename": "RunConflict", "message": "asked"}}
    webserver.answers |= {"Code": LOADED, "Targets": TARGETS, "Launch": refused}
    assert cli("run", "telemetry_tick", "--partition", "2025-01-01").err == "error: asked\n"


def test_a_webserver_that_is_gone_is_told(cli: Callable[..., Outcome], announce: Callable[..., None]) -> None:
    announce("http://127.0.0.1:9")
    outcome = cli("run", "telemetry_tick")
    assert outcome.status == 1
    assert outcome.err == "error: the webserver at http://127.0.0.1:9/graphql does not answer (connection refused)\n"


def test_a_proxy_of_the_environment_is_not_asked(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setitem(os.environ, "NO_PROXY", "")
    webserver.answers |= {
        "Code": LOADED,
        "Targets": TARGETS,
        "Launch": {"launchRun": {"__typename": "RunConflict", "message": "asked"}},
    }
    announce(webserver.url)
    assert cli("run", "telemetry_tick").err == "error: asked\n"
