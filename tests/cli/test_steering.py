"""What operators do at the command line: the same as in the browser, on record as the machine's user."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import pytest
import redis
import sqlalchemy as sa
from cli_harness import Outcome
from operating import ANOTHER_ID, RUN_ID, answers, run_of
from webservers import FakeWebserver

from telemetry_pipeline.broker import QUEUES, waiting
from telemetry_pipeline.cli.steering import commands
from telemetry_pipeline.steering.tasks import State

Cli = Callable[..., Outcome]


@pytest.fixture
def stack(
    cli: Cli, announce: Callable[..., None], webserver: FakeWebserver, database_url: str, broker_url: str
) -> FakeWebserver:
    """A stack with a run at work and one that failed."""
    webserver.answers |= answers(run_of("STARTED", endTime=None), run_of("FAILURE", ANOTHER_ID))
    announce(webserver.url, database_url=database_url, redis_url=broker_url)
    return webserver


def deeds(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [
            (row.what, row.by) for row in connection.execute(sa.text("select what, by from telemetry.audit order by audit_id"))
        ]


def test_the_choices_of_the_commands_are_those_that_there_are() -> None:
    assert (tuple(State), QUEUES) == (commands.STATES, commands.QUEUES)


def test_runs_are_listed_by_state_job_and_day(cli: Cli, stack: FakeWebserver) -> None:
    outcome = cli("runs", "--state", "failed", "--job", "telemetry_tick", "--since", "2026-11-20", "--format", "json")
    assert [run["run_id"] for run in json.loads(outcome.out)] == [ANOTHER_ID]
    [wanted] = [variables["filter"] for operation, variables in stack.asked if operation == "Runs"]
    assert (wanted["statuses"], wanted["pipelineName"], "createdAfter" in wanted) == (["FAILURE"], "telemetry_tick", True)
    assert [line.split()[0] for line in cli("runs").out.splitlines()[1:3]] == [RUN_ID[:8], ANOTHER_ID[:8]]
    stack.answers |= answers()
    assert cli("runs").out == "none\n"


def test_a_mistyped_job_is_answered_with_what_was_meant(cli: Cli, stack: FakeWebserver) -> None:
    outcome = cli("runs", "--job", "telemetry_tik")
    assert (outcome.status, "did you mean telemetry_tick?" in outcome.err) == (1, True)


def test_a_run_is_cancelled_by_the_beginning_of_its_id_on_record(cli: Cli, stack: FakeWebserver, engine: sa.Engine) -> None:
    outcome = cli("cancel", RUN_ID[:8])
    assert (outcome.status, outcome.out) == (0, f"run {RUN_ID} ends\n")
    assert deeds(engine) == [("run cancelled", "command")]


def test_all_are_cancelled_after_a_question(cli: Cli, stack: FakeWebserver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert cli("cancel").status == cli("cancel", "--all", RUN_ID).status == 2
    monkeypatch.setattr("sys.stdin", StringIO())
    assert cli("cancel", "--all").status == 130
    assert not any(operation == "Terminate" for operation, _ in stack.asked)
    assert cli("cancel", "--all", "--yes").out == f"run {RUN_ID} ends\n"


def test_a_run_is_repeated(cli: Cli, stack: FakeWebserver, engine: sa.Engine) -> None:
    assert cli("repeat", ANOTHER_ID[:8]).out == f"run {ANOTHER_ID} repeats {ANOTHER_ID}\n"
    assert deeds(engine) == [("run repeated", "command")]


def test_a_queue_is_emptied(cli: Cli, stack: FakeWebserver, broker_url: str, engine: sa.Engine) -> None:
    with redis.Redis.from_url(broker_url) as client:
        client.lpush("reports", "{}", "{}")
    assert cli("queue", "empty", "reports", "--yes").out == "thrown away: 2\n"
    assert (waiting(broker_url)["reports"], deeds(engine)) == (0, [("queue emptied", "command")])
    assert cli("queue", "empty", "others").status == 2


def test_workers_are_asked_to_start_anew(cli: Cli, stack: FakeWebserver, engine: sa.Engine) -> None:
    assert cli("workers", "restart").status == 0
    with engine.connect() as connection:
        assert connection.scalar(sa.text("select count(*) from telemetry.worker_restarts")) == 1
    assert deeds(engine) == [("workers restarted", "command")]
