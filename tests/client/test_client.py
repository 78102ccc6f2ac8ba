"""Programs launch runs, wait for them and cancel them, and are refused what cannot be."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from webservers import LAUNCHED, LOADED, LOADING, TARGETS, FakeWebserver, launched, run_answer

from telemetry_pipeline.client.answers import StepStatus
from telemetry_pipeline.client.launching.targets import partition_tags
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import RequestRefused, TelemetryError

NO_RUN = {"runOrError": {"__typename": "RunNotFoundError", "message": "Pipeline run nix could not be found."}}


def test_one_day_is_a_partition_several_are_a_range_and_none_is_the_newest() -> None:
    assert partition_tags("2026-11-21", "2026-10-01", None, None) == {"dagster/partition": "2026-10-01"}
    assert partition_tags("2026-11-21", None, date(2026, 10, 1), "2026-10-01") == {"dagster/partition": "2026-10-01"}
    assert partition_tags("2026-11-21", None, "2026-10-01", date(2026, 10, 31)) == {
        "dagster/asset_partition_range_start": "2026-10-01",
        "dagster/asset_partition_range_end": "2026-10-31",
    }
    assert partition_tags("2026-11-21", None, None, None) == {"dagster/partition": "2026-11-21"}
    assert partition_tags(None, None, None, None) == {}


AWAY = {"__typename": "PythonError", "message": "UNAVAILABLE", "className": "DagsterUserCodeUnreachableError", "causes": []}


@pytest.mark.parametrize("operation", ["Launch", "Reexecute"])
def test_a_launch_waits_while_the_code_server_is_restarted(
    client: TelemetryClient, webserver: FakeWebserver, operation: str
) -> None:
    kind = {"Launch": "launchRun", "Reexecute": "launchRunReexecution"}[operation]
    launches = iter([{kind: AWAY}, {kind: AWAY}, {kind: LAUNCHED["launchRun"]}])
    loads = iter([LOADING, LOADED, LOADED])
    webserver.answers |= {
        operation: lambda _: next(launches),
        "Code": lambda _: next(loads),
        "Status": {"runOrError": {"__typename": "Run", "status": "FAILURE"}},
    }
    run_id = client.launch("telemetry_tick") if operation == "Launch" else client.reexecute("id")
    assert run_id == "id-of-the-run"


def test_a_launch_waits_for_code_of_which_the_web_server_knows_nothing(
    client: TelemetryClient, webserver: FakeWebserver
) -> None:
    gone = {"repositoryOrError": {"__typename": "RepositoryNotFoundError", "message": "Could not find Repository"}}
    known, loads = iter([gone, TARGETS]), iter([LOADING, LOADED])
    webserver.answers |= {"Targets": lambda _: next(known), "Code": lambda _: next(loads)}
    assert client.launch("telemetry_tick") == "id-of-the-run"


def test_a_run_that_was_made_and_could_not_be_launched_is_not_launched_twice(
    client: TelemetryClient, webserver: FakeWebserver
) -> None:
    """Dagster tries it again by itself."""
    made = {**AWAY, "className": "DagsterLaunchFailedError", "message": "it has not answered for 45 s", "causes": [AWAY]}
    webserver.answers["Launch"] = {"launchRun": made}
    with pytest.raises(RequestRefused, match="UNAVAILABLE"):
        client.launch("telemetry_tick")
    assert len([operation for operation, _ in webserver.asked if operation == "Launch"]) == 1


@pytest.mark.parametrize(
    ("newest", "partition", "first", "last", "said"),
    [
        pytest.param("2026-11-21", None, "2026-10-01", None, "both its first and its last day", id="half a range"),
        pytest.param("2026-11-21", "2026-10-01", "2026-10-01", "2026-10-02", "not both", id="both"),
        pytest.param(None, "2026-10-01", None, None, "has no partitions; give none", id="without partitions"),
        pytest.param("2026-11-21", "today", None, None, "'today' is not a day such as 2026-01-31", id="no day"),
        pytest.param("2026-11-21", datetime(2026, 1, 1), None, None, "is not a day", id="a moment"),
        pytest.param("2026-11-21", None, "2026-10-01", "20261002", "'20261002' is not a day", id="another form"),
        pytest.param("2026-11-21", "", None, None, "'' is not a day", id="empty"),
    ],
)
def test_days_that_contradict_each_other_are_refused(newest: Any, partition: Any, first: Any, last: Any, said: str) -> None:
    with pytest.raises(RequestRefused, match=said):
        partition_tags(newest, partition, first, last)


def test_a_job_is_told_from_an_asset_by_asking(client: TelemetryClient, webserver: FakeWebserver) -> None:
    assert client.launch("telemetry_cleanup", tags={"who": "test"}) == "id-of-the-run"
    params = launched(webserver)
    assert params["selector"]["jobName"] == "telemetry_cleanup"
    assert params["executionMetadata"]["tags"] == [{"key": "who", "value": "test"}]


def test_several_assets_are_launched_in_one_run_with_their_parameters(
    client: TelemetryClient, webserver: FakeWebserver
) -> None:
    client.launch(["ott_views", "top_channels"], partition=date(2026, 10, 1), parameters={"top_channels": {"limit": 5}})
    params = launched(webserver)
    assert params["selector"]["assetSelection"] == [{"path": ["ott_views"]}, {"path": ["top_channels"]}]
    assert params["runConfigData"] == {"ops": {"general": {"config": {"top_channels": {"limit": 5}}}}}
    assert params["executionMetadata"]["tags"] == [{"key": "dagster/partition", "value": "2026-10-01"}]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param({"target": "nix"}, "jobs: telemetry_cleanup, telemetry_range, telemetry_tick; assets: full_", id="target"),
        pytest.param({"target": ["telemetry_tick"]}, "there is no asset 'telemetry_tick'", id="job among assets"),
        pytest.param({"target": []}, "nothing is to be launched", id="nothing"),
        pytest.param({"target": "telemetry_cleanup", "partition": "2026-10-01"}, "has no partitions", id="cleanup of a day"),
        pytest.param(
            {"target": "ott_views", "parameters": {"top_channels": {"limit": 5}}},
            "'top_channels' is given parameters and is not launched; launched: ott_views",
            id="parameters of another asset",
        ),
        pytest.param(
            {"target": "top_channels", "parameters": {"limit": 5}}, r"given as \{'top_channels': \{'limit': 5\}\}", id="flat"
        ),
        pytest.param(
            {"target": "telemetry_tick", "parameters": {"limit": 5}}, r"as \{'ASSET': \{'limit': 5\}\}", id="of a job"
        ),
        pytest.param(
            {"target": "top_channels", "parameters": {"ops": {"top_channels": {"config": {"limit": 5}}}}},
            r"given as \{'top_channels': \{'limit': 5\}\}, without what GraphQL has",
            id="as over GraphQL when each was a step",
        ),
        pytest.param(
            {"target": "top_channels", "parameters": {"ops": {"general": {"config": {"top_channels": {"limit": 5}}}}}},
            r"given as \{'top_channels': \{'limit': 5\}\}, without what GraphQL has",
            id="as over GraphQL",
        ),
        pytest.param(
            {"target": "top_channels", "parameters": {"top_channels": {"limit": float("nan")}}}, "JSON", id="not a number"
        ),
        pytest.param({"target": "ott_views", "tags": {"dagster/partition": "x"}}, "the tag dagster/partition", id="tag"),
    ],
)
def test_what_the_server_would_let_pass_in_silence_is_refused(
    client: TelemetryClient, webserver: FakeWebserver, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(RequestRefused, match=said):
        client.launch(**arguments)
    assert "Launch" not in [operation for operation, _ in webserver.asked]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (
            {"__typename": "RunConfigValidationInvalid", "errors": [{"message": "Received\nunexpected"}, {"message": "b"}]},
            "Received unexpected; b",
        ),
        ({"__typename": "UnauthorizedError", "message": "read only"}, "read only"),
        ({"__typename": "NoModeProvidedError"}, "the server answered NoModeProvidedError"),
    ],
    ids=["parameters", "not allowed", "unknown"],
)
def test_what_the_server_refuses_is_told_in_one_line(
    client: TelemetryClient, webserver: FakeWebserver, answer: dict[str, Any], said: str
) -> None:
    webserver.answers["Launch"] = {"launchRun": answer}
    with pytest.raises(RequestRefused) as refused:
        client.launch("telemetry_tick")
    assert str(refused.value) == said


@pytest.mark.parametrize(
    "ask",
    [
        lambda client: client.run("nix"),
        lambda client: client.progress("nix"),
        lambda client: next(client.watch("nix")),
        lambda client: client.wait("nix", 1),
        lambda client: client.cancel("nix"),
        lambda client: client.reexecute("nix"),
        lambda client: client.runs(cursor="nix"),
    ],
    ids=["run", "progress", "watch", "wait", "cancel", "reexecute", "runs"],
)
def test_an_unknown_run_is_refused(
    client: TelemetryClient, webserver: FakeWebserver, ask: Callable[[TelemetryClient], object]
) -> None:
    webserver.answers |= {
        **dict.fromkeys(["Run", "Status"], NO_RUN),
        "Terminate": {"terminateRun": NO_RUN["runOrError"]},
        "Runs": {"runsOrError": {"__typename": "Runs", "results": []}},
    }
    with pytest.raises(RequestRefused, match="there is no run 'nix'"):
        ask(client)


def test_a_run_that_is_just_starting_is_cancelled_once_it_can_be(client: TelemetryClient, webserver: FakeWebserver) -> None:
    refused = {"__typename": "TerminateRunFailure", "message": "due to having status STARTING"}
    answers = [{"__typename": "TerminateRunSuccess"}, refused]
    webserver.answers |= {
        "Status": {"runOrError": run_answer(status="STARTING")},
        "Terminate": lambda _: {"terminateRun": answers.pop()},
    }
    client.cancel("id-of-the-run")
    assert answers == []
    answers += [refused]
    with pytest.raises(TelemetryError, match="STARTING"):
        client.cancel("id-of-the-run", timeout_seconds=0)


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"limit": 0}, "it has to be 1 or more"),
        ({"statuses": ["DONE"]}, "'DONE' is not a state of a run; states: QUEUED"),
        ({"statuses": []}, "statuses is empty"),
        ({"created_after": datetime(2026, 1, 1)}, "has no time zone"),
        ({"job": "nix"}, "there is no job 'nix'; jobs: telemetry_cleanup"),
    ],
    ids=["limit", "status", "no status", "naive", "job"],
)
def test_a_filter_that_would_be_ignored_is_refused(
    client: TelemetryClient, webserver: FakeWebserver, filters: dict[str, Any], said: str
) -> None:
    webserver.answers["Runs"] = {"runsOrError": {"__typename": "Runs", "results": []}}
    with pytest.raises(RequestRefused, match=said):
        client.runs(**filters)


def test_a_run_is_read_with_its_assets_partitions_times_and_steps(client: TelemetryClient, webserver: FakeWebserver) -> None:
    tags = [
        {"key": "dagster/asset_partition_range_start", "value": "2026-10-01"},
        {"key": "dagster/asset_partition_range_end", "value": "2026-10-31"},
    ]
    steps = [
        {"stepKey": "top_channels", "status": "SUCCESS", "startTime": 1.0, "endTime": 3.0, "attempts": [{}, {}]},
        {"stepKey": "unplanned", "status": None, "startTime": None, "endTime": None, "attempts": []},
    ]
    webserver.answers["Run"] = {
        "runOrError": run_answer(
            jobName="__ASSET_JOB",
            assetSelection=[{"path": ["ott_views"]}, {"path": ["top_channels"]}],
            tags=tags,
            endTime=None,
            parentRunId="id-of-its-parent",
            executionPlan={"steps": [{"key": "ott_views"}, {"key": "top_channels"}]},
            stepStats=steps,
        )
    }
    run = client.run("id-of-the-run")
    assert (run.target, run.partitions, run.parent_run_id) == (
        "ott_views, top_channels",
        ("2026-10-01", "2026-10-31"),
        "id-of-its-parent",
    )
    assert (run.started_at, run.ended_at) == (datetime(2026, 11, 21, 3, 53, 43, 500_000, tzinfo=UTC), None)
    assert [(step.key, step.status, step.attempts) for step in run.steps] == [
        ("ott_views", StepStatus.NOT_STARTED, 0),
        ("top_channels", StepStatus.SUCCESS, 2),
        ("unplanned", StepStatus.NOT_STARTED, 0),
    ]


def test_only_what_failed_can_be_executed_again_from_its_failure(client: TelemetryClient, webserver: FakeWebserver) -> None:
    webserver.answers["Status"] = {"runOrError": run_answer()}
    with pytest.raises(RequestRefused, match="is SUCCESS: nothing failed there; from_failure=False"):
        client.reexecute("id-of-the-run")


def test_waiting_ends_at_its_time_limit_and_the_run_does_not(client: TelemetryClient, webserver: FakeWebserver) -> None:
    webserver.answers["Status"] = {"runOrError": run_answer(status="STARTED")}
    with pytest.raises(TelemetryError, match=r"id-of-the-run has not ended after 0.05 s; it is STARTED and goes on"):
        client.wait("id-of-the-run", timeout_seconds=0.05)
