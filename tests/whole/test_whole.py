"""The pipeline as it runs in production: processes, broker, databases, and commands as a person types them.

The tests build on each other: the first one brings the data in.
"""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import redis
import requests
from terminal import OPERATOR_ZONE, Operator, days_ago, wait_until

from telemetry_pipeline import broker
from telemetry_pipeline.analyses.reports import KINDS

pytestmark = pytest.mark.slow

LAUNCH = """
mutation Launch($params: ExecutionParams!) { launchRun(executionParams: $params) { __typename
  ... on PythonError { message } ... on LaunchRunSuccess { run { runId } } } }
"""


def counted_views(upstream: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Stops with a channel id and a duration, of the thirty days that end now; one that came twice once."""
    now = datetime.now(OPERATOR_ZONE)
    found: dict[object, dict[str, Any]] = {}
    for record in upstream:
        if (
            record["actionId"] == 8
            and record["dataId"] is not None
            and record["dataDuration"] is not None
            and now.date() - timedelta(days=29) <= local(record).date()
            and local(record) <= now
        ):
            same = (record["deviceId"], record["dataId"], record["timestamp"], record["dataDuration"])
            found.setdefault(record["recordId"] if record["deviceId"] is None else same, record)
    return list(found.values())


def local(record: dict[str, Any]) -> datetime:
    return datetime.fromisoformat(f"{record['timestamp']}+00:00").astimezone(OPERATOR_ZONE)


def test_everything_that_the_upstream_has_is_stored_once(
    operator: Operator, upstream: list[dict[str, Any]], ranged: str
) -> None:
    assert "success" in ranged
    assert "100 %" in ranged
    with psycopg.connect(operator.state["database_url"]) as connection:
        stored = connection.execute("select record_id from telemetry.records order by 1").fetchall()
    assert [record_id for (record_id,) in stored] == sorted(record["recordId"] for record in upstream)


def test_the_summary_counts_what_a_plain_count_over_the_upstream_gives(
    operator: Operator, upstream: list[dict[str, Any]], ranged: str
) -> None:
    [row] = json.loads(operator.types("show", "general_summary", "--format", "json").stdout)
    views = counted_views(upstream)
    seconds = sum(record["dataDuration"] for record in views)
    assert row["views"] == len(views)
    assert row["watch_hours"] == pytest.approx(seconds / 3600)


def test_the_slots_of_the_day_are_the_operators(operator: Operator, upstream: list[dict[str, Any]], ranged: str) -> None:
    rows = json.loads(operator.types("show", "time_slots", "--format", "json").stdout)
    names = ["madrugada", "mañana", "tarde", "noche"]
    expected = Counter(names[local(record).hour // 6] for record in counted_views(upstream))
    assert [(row["slot"], row["views"]) for row in rows] == [(name, expected[name]) for name in names]


def test_a_result_of_an_earlier_day_is_shown_as_a_table_and_as_csv(operator: Operator, ranged: str) -> None:
    table = operator.types("show", "top_channels", "--partition", days_ago(6))
    assert table.returncode == 0
    assert "rank" in table.stdout
    shown = operator.types("show", "top_channels", "--partition", days_ago(6), "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(shown.stdout)))
    assert list(rows[0]) == ["channel", "rank", "views", "share_pct", "small_base"]
    assert [row["rank"] for row in rows] == [str(number + 1) for number in range(20)]


def test_parameters_reach_the_analysis(operator: Operator, ranged: str) -> None:
    done = operator.types("run", "top_channels", "--set", "top_channels.limit=3")
    assert done.returncode == 0, done.stdout + done.stderr
    other = operator.types("show", "top_channels", "--set", "top_channels.limit=3", "--format", "json")
    assert len(json.loads(other.stdout)) == 3
    assert len(json.loads(operator.types("show", "top_channels", "--format", "json").stdout)) == 20


def test_a_subscriber_is_profiled_on_request(operator: Operator, ranged: str) -> None:
    [first, *_] = json.loads(operator.types("show", "top_subscribers", "--format", "json").stdout)
    code = first["subscriber_code"]
    refused = operator.types("run", "subscriber_profile")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "subscriber_profile.subscriber_code is required" in refused.stderr
    chosen = ["--set", f"subscriber_profile.subscriber_code={code}"]
    done = operator.types("run", "subscriber_profile", *chosen)
    assert done.returncode == 0, done.stdout + done.stderr
    rows = json.loads(operator.types("show", "subscriber_profile", *chosen, "--format", "json").stdout)
    [hours] = [row["value"] for row in rows if (row["section"], row["item"]) == ("total", "watch_hours")]
    assert hours == pytest.approx(first["watch_hours"])


def test_a_document_is_there_for_programs_at_the_address_that_its_materialization_names(
    operator: Operator, ranged: str
) -> None:
    document = json.loads(operator.types("show", "full_analysis", "--format", "json").stdout)
    assert document["missing"] == []
    [summary] = document["analyses"]["general_summary"]
    assert summary == json.loads(operator.types("show", "general_summary", "--format", "json").stdout)[0]
    found = operator.asks(
        """query { assetNodeOrError(assetKey: {path: ["full_analysis"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
            metadataEntries { label ... on UrlMetadataEntry { url } } } } } }"""
    )
    entries = found["assetNodeOrError"]["assetMaterializations"][0]["metadataEntries"]
    [path] = [urlsplit(entry["url"]) for entry in entries if entry["label"] == "document"]
    address = f"{operator.state['web_url'].rstrip('/')}{path.path}?{path.query}"
    assert requests.get(address, headers=operator.token, timeout=60).json() == document | {"left_out": []}


def test_what_nothing_changed_for_is_reused(operator: Operator, ranged: str) -> None:
    assert operator.types("run", "geography").returncode == 0
    found = operator.asks(
        """query { assetNodeOrError(assetKey: {path: ["geography"]}) { ... on AssetNode { assetMaterializations(limit: 1) {
            metadataEntries { label ... on TextMetadataEntry { text } } } } } }"""
    )
    entries = found["assetNodeOrError"]["assetMaterializations"][0]["metadataEntries"]
    assert [entry["text"][:7] for entry in entries if entry["label"] == "result"] == ["reused:"]


def test_a_tick_without_news_succeeds_and_skips_the_rest(operator: Operator, ranged: str) -> None:
    # The first one makes what is of today alone, which a range over it does not.
    for _ in range(2):
        done = operator.types("run", "telemetry_tick")
        assert done.returncode == 0, done.stdout + done.stderr
    found = operator.asks(
        'query { runsOrError(filter: {pipelineName: "telemetry_tick"}, limit: 1)'
        " { ... on Runs { results { jobName stepStats { stepKey status } } } } }"
    )
    [run] = found["runsOrError"]["results"]
    states = {step["stepKey"]: step["status"] for step in run["stepStats"]}
    assert run["jobName"] == "telemetry_tick"
    assert states["telemetry_records"] == "SUCCESS"
    assert states["ott_views"] == states["general"] == "SKIPPED"


@pytest.mark.parametrize(
    ("tags", "config", "complaint"),
    [
        pytest.param({"dagster/partition": "2019-01-01"}, {}, "there is no partition 2019-01-01", id="partition"),
        pytest.param(
            {"dagster/asset_partition_range_start": "2026-11-02", "dagster/asset_partition_range_end": "2026-11-01"},
            {},
            "before it",
            id="range",
        ),
        pytest.param({}, {"ops": {"general": {"config": {"top_channels": {"limit": 0}}}}}, "limit", id="parameter"),
    ],
)
def test_an_impossible_run_is_refused_at_launch_over_graphql(
    operator: Operator, tags: dict[str, str], config: dict[str, Any], complaint: str
) -> None:
    answer = operator.asks(
        LAUNCH,
        params={
            "selector": {
                "repositoryLocationName": "telemetry_pipeline",
                "repositoryName": "__repository__",
                "jobName": "telemetry_range",
            },
            "runConfigData": config,
            "mode": "default",
            "executionMetadata": {
                "tags": [{"key": key, "value": value} for key, value in (tags or {"dagster/partition": days_ago(0)}).items()]
            },
        },
    )["launchRun"]
    assert answer["__typename"] == "PythonError"
    assert complaint in answer["message"]


def test_schedules_and_sensors_are_on_by_default(operator: Operator) -> None:
    found = operator.asks(
        "query($code: RepositorySelector!) {"
        " schedulesOrError(repositorySelector: $code) { ... on Schedules { results { name scheduleState { status } } } }"
        " sensorsOrError(repositorySelector: $code) { ... on Sensors { results { name sensorState { status } } } } }",
        code={"repositoryName": "__repository__", "repositoryLocationName": "telemetry_pipeline"},
    )
    schedules = {each["name"]: each["scheduleState"]["status"] for each in found["schedulesOrError"]["results"]}
    names = [f"telemetry_{purpose}_schedule" for purpose in ("tick", "repair", "merge", "cleanup")]
    names += [f"{each}_schedule" for each in KINDS]
    assert schedules == dict.fromkeys(names, "RUNNING")
    sensors = {each["name"]: each["sensorState"]["status"] for each in found["sensorsOrError"]["results"]}
    names = [f"{purpose}_sensor" for purpose in ("late_data", "run_failures", "run_successes", "freshness", "reports")]
    assert {name: sensors.get(name) for name in names} == dict.fromkeys(names, "RUNNING")


def test_the_doctor_finds_nothing_wrong(operator: Operator, ranged: str) -> None:
    done = operator.types("doctor")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_status_names_the_last_runs(operator: Operator, ranged: str) -> None:
    done = operator.types("status")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "telemetry_range" in done.stdout


def test_secrets_are_in_no_event_no_message_and_no_log(operator: Operator, ranged: str) -> None:
    """The password of the stack's own broker is the one secret that nobody else knows."""
    state = operator.state
    secret = urlsplit(state["redis_url"]).password
    assert secret
    with psycopg.connect(state["dagster_database_url"]) as connection:
        for table, column in (("event_logs", "event"), ("runs", "run_body"), ("job_ticks", "tick_body")):
            query = f"select count(*) from {table} where {column} like %s"
            assert connection.execute(query, [f"%{secret}%"]).fetchone() == (0,), table
    broker = redis.Redis.from_url(state["redis_url"])
    assert not any(secret.encode() in (broker.get(key) or b"") for key in broker.scan_iter() if broker.type(key) == b"string")
    for log in (operator.home / "logs").glob("*.log"):
        assert secret not in log.read_text(errors="replace"), log


TERMINATE = """
mutation Terminate($id: String!) { terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) { __typename } }
"""
STEPS = """
query Steps($id: ID!) { runOrError(runId: $id) { ... on Run { status stepStats { stepKey status startTime endTime } } } }
"""


def launch(operator: Operator, assets: list[str], day: str) -> str:
    selector = {
        "repositoryLocationName": "telemetry_pipeline",
        "repositoryName": "__repository__",
        "jobName": "__ASSET_JOB",
        "assetSelection": [{"path": [asset]} for asset in assets],
    }
    tags = [{"key": "dagster/partition", "value": day}]
    params = {"selector": selector, "runConfigData": {}, "mode": "default", "executionMetadata": {"tags": tags}}
    return str(operator.asks(LAUNCH, params=params)["launchRun"]["run"]["runId"])


def run_state(operator: Operator, run_id: str) -> tuple[str, dict[str, Any]]:
    run = operator.asks(STEPS, id=run_id)["runOrError"]
    return run["status"], {step["stepKey"]: step for step in run["stepStats"]}


def is_at_work(operator: Operator, run_id: str) -> bool:
    return any(run_id in worker.run_ids for worker in broker.workers(operator.state["redis_url"]))


@contextmanager
def pages_take(operator: Operator, seconds: float) -> Iterator[None]:
    """A slow upstream."""
    url = f"{operator.state['panaccess_url']}faults"
    requests.post(url, json=[{"kind": "timeout", "seconds": seconds}], timeout=30).raise_for_status()
    try:
        yield
    finally:
        requests.delete(url, timeout=30)


def test_a_terminated_run_stops_its_steps_in_the_middle_and_stays_cancelled(operator: Operator, ranged: str) -> None:
    """By itself the step would go on for five minutes."""
    with pages_take(operator, seconds=20):
        run_id = launch(operator, ["telemetry_records", "ott_views"], days_ago(2))
        wait_until(lambda: is_at_work(operator, run_id), seconds=60)
        operator.asks(TERMINATE, id=run_id)
        wait_until(lambda: not is_at_work(operator, run_id), seconds=60)
    wait_until(lambda: run_state(operator, run_id)[0] == "CANCELED", seconds=60)
    wait_until(lambda: not broker.unacknowledged(operator.state["redis_url"]), seconds=60)
    assert run_state(operator, run_id)[0] == "CANCELED"


def test_a_pool_lets_one_step_at_a_time_read_from_panaccess(operator: Operator, ranged: str) -> None:
    with pages_take(operator, seconds=2):
        runs = [launch(operator, ["telemetry_records"], days_ago(day)) for day in (3, 4)]
        wait_until(lambda: all(run_state(operator, run)[0] == "SUCCESS" for run in runs), seconds=120)
    spans = sorted((step["startTime"], step["endTime"]) for run in runs for step in run_state(operator, run)[1].values())
    assert spans[0][1] <= spans[1][0]
