"""Programs launch runs, wait for them, cancel them and fetch results, and are refused with what can be."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from webservers import LOADED, TARGETS, FakeWebserver, fake_webserver, run_answer, toy_webserver

from telemetry_pipeline.client.answers import RunStatus, StepStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.targets import partition_tags
from telemetry_pipeline.errors import RequestRefused, TelemetryError, WebserverError

LAUNCHED = {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "id-of-the-run"}}}
NO_RUN = {"runOrError": {"__typename": "RunNotFoundError", "message": "Pipeline run nix could not be found."}}


@pytest.fixture
def client(webserver: FakeWebserver) -> TelemetryClient:
    """A client of the fake web server."""
    webserver.answers |= {"Targets": TARGETS, "Launch": LAUNCHED}
    return TelemetryClient(f"{webserver.url}/graphql")


@pytest.fixture
def toy(dagster_webserver: str) -> TelemetryClient:
    """A client of a real web server over the toy pipeline."""
    return TelemetryClient(f"{dagster_webserver}/graphql")


def launched(webserver: FakeWebserver) -> dict[str, Any]:
    params: dict[str, Any]
    [params] = [variables["params"] for operation, variables in webserver.asked if operation == "Launch"]
    return params


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
LOADING = {"workspaceOrError": {"__typename": "Workspace", "locationEntries": []}}


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
    assert params["runConfigData"] == {"ops": {"top_channels": {"config": {"limit": 5}}}}
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
    assert [(step.key, step.status) for step in run.steps] == [("top_channels", StepStatus.SUCCESS)]
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
