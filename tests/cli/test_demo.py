"""``demo`` and ``run`` bring a stack up where there is none, and say what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Self

import pandas as pd
import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from webservers import LOADED, TARGETS, FakeWebserver, run_answer

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.results import tables
from telemetry_pipeline.results.tables import Result, table_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.state import StackState
from telemetry_pipeline.warehouse.db.connections import connect


class FakeStack:
    """Stands where the stack would be started; what happened to it is in ``happened``."""

    happened: ClassVar[list[str]]
    settings: StackSettings
    simulator: Any
    state: StackState

    def __init__(self, settings: StackSettings, *, simulator: Any = None, **_: object) -> None:
        type(self).settings, type(self).simulator = settings, simulator

    def __enter__(self) -> Self:
        self.happened.append("start")
        return self

    def __exit__(self, *_: object) -> None:
        self.happened.append("stop")

    def tend(self) -> None:
        self.happened.append("tend")

    def supervise(self) -> None:
        self.happened.append("supervise")


@pytest.fixture
def stack(home: object, webserver: FakeWebserver, database_url: str, monkeypatch: pytest.MonkeyPatch) -> type[FakeStack]:
    """A stack that is not running yet, whose runs store 20 records, 8 views and one top channel, and succeed."""

    class Stack(FakeStack):
        happened: ClassVar[list[str]] = []
        state = StackState(
            pid=1,
            started_at=datetime.now(UTC),
            web_url=webserver.url,
            web_token="t" * 40,
            webserver_url=f"{webserver.url}/dagster",
            graphql_url=f"{webserver.url}/dagster/graphql",
            socket_url=webserver.url,
            database_url=database_url,
            dagster_database_url=database_url,
            redis_url="redis://127.0.0.1:9",
            panaccess_url="http://127.0.0.1:9",
            processes={},
        )

    def launch(_: object) -> dict[str, Any]:
        store(database_url)
        return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "id-of-the-run"}}}

    run = run_answer(executionPlan=None, stepStats=[])
    events = {"__typename": "EventConnection", "cursor": "1", "hasMore": False, "events": []}
    webserver.answers |= {
        "Code": LOADED,
        "Targets": TARGETS,
        "Launch": launch,
        "Run": {"runOrError": run},
        "Events": {"runOrError": run, "logsForRun": events},
    }
    for user in ("cli.local.demo.Stack", "stack.stack.Stack"):
        monkeypatch.setattr(f"telemetry_pipeline.{user}", Stack)
    return Stack


def store(database_url: str) -> None:
    today = datetime.now(UTC).date()
    analysis = find_analysis("top_channels")
    row = {"channel": "Canal 5", "rank": 1, "views": 8, "share_pct": 100.0, "small_base": False}
    frame = pd.DataFrame([row])[[column.name for column in analysis.columns]]
    parameters = analysis.parse({})
    with connect(database_url).begin() as connection:
        for statement in (
            "insert into telemetry.records (record_id, local_date, timestamp) "
            "select id, current_date, now() from generate_series(1, 20) as id",
            "insert into telemetry.views (record_id, local_date, local_hour, ended_at, channel_id) "
            "select id, current_date, 1, now(), 5 from generate_series(1, 8) as id",
        ):
            connection.execute(sa.text(statement))
        connection.execute(sa.text("insert into telemetry.rejected_records (payload, reason) values ('1', 'no id')"))
        window = analysis.window(today, parameters)
        stored = Result(window.first, window.last, today, parameters.model_dump(mode="json"), frame)
        tables.replace(connection, table_of(analysis), [stored])


def test_the_demonstration_says_what_came_of_it_and_stays_up(
    cli: Callable[..., Outcome], stack: type[FakeStack], webserver: FakeWebserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PANACCESS_URL", "https://panaccess.example/api")
    outcome = cli("demo", "--records-count", "1234")
    assert (outcome.status, outcome.err) == (0, "")
    assert "1,234 simulated records" in outcome.out
    lines = [line.split() for line in outcome.out.splitlines()]
    for line in (["records", "stored", "20"], ["records", "rejected", "1"], ["views", "merged", "8"]):
        assert line in lines
    assert any({"Canal", "5", "8", "100.00"} <= set(line) for line in lines)
    assert f"open {webserver.url}/entrar?token={'t' * 40}  (Ctrl-C stops everything)" in outcome.out
    assert (stack.happened[0], stack.happened[-2:]) == ("start", ["supervise", "stop"])
    assert stack.simulator.records_count == 1234
    assert stack.settings.panaccess_url is None


def test_its_range_is_ninety_days_but_never_begins_before_the_first_partition(
    cli: Callable[..., Outcome], stack: type[FakeStack], webserver: FakeWebserver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPERATOR_TIMEZONE", "UTC")
    today = datetime.now(UTC).date()
    assert cli("demo", "--once").status == 0
    monkeypatch.setenv("FIRST_PARTITION", str(today - timedelta(days=5)))
    webserver.answers["Launch"] = {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "id-of-the-run"}}}
    assert cli("demo", "--once").status == 0
    launched = [variables["params"] for operation, variables in webserver.asked if operation == "Launch"]
    ranges = [[tag["value"] for tag in each["executionMetadata"]["tags"]] for each in launched]
    assert ranges == [
        [str(today - timedelta(days=90)), str(today)],
        [str(today - timedelta(days=5)), str(today)],
    ]
    assert "supervise" not in stack.happened


def test_a_demonstration_that_fails_ends_with_its_status(
    cli: Callable[..., Outcome], stack: type[FakeStack], webserver: FakeWebserver
) -> None:
    webserver.answers["Launch"] = {"launchRun": {"__typename": "PythonError", "message": "no", "causes": []}}
    outcome = cli("demo")
    assert (outcome.status, outcome.err) == (1, "error: no\n")
    assert stack.happened == ["start", "stop"]


def test_a_run_without_a_stack_brings_one_up_and_stops_it(cli: Callable[..., Outcome], stack: type[FakeStack]) -> None:
    outcome = cli("run", "telemetry_tick")
    assert outcome.status == 0
    assert outcome.out.startswith("no stack is running; starting one for this run\n")
    assert stack.happened[0] == "start"
    assert "tend" in stack.happened
    assert stack.happened[-1] == "stop"


def test_what_is_refused_starts_no_stack(cli: Callable[..., Outcome], stack: type[FakeStack]) -> None:
    assert cli("run", "telemetry_tick", "--partition", "2024-01-01").status == 1
    assert stack.happened == []
