"""``status`` says what does not answer, and shows the rest."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from status_answers import label, runs, ticks
from webservers import FakeWebserver, run_answer

from telemetry_pipeline.simulator.server import SimulatorServer


def test_json_says_what_does_not_answer_and_the_exit_status_does_too(
    cli: Callable[..., Outcome], announce: Callable[..., None], database_url: str
) -> None:
    announce("http://127.0.0.1:9", database_url=database_url)
    outcome = cli("status", "--format", "json")
    assert (outcome.status, outcome.err) == (1, "")
    told = json.loads(outcome.out)
    assert set(told["failures"]) == {"web server", "broker"}
    assert told["runs"] is told["queues"] is told["workers"] is told["ticks"] is None
    assert told["upstream"]["newest_record_id"] is None
    assert told["warehouse"]["records"]["rows"] == 0
    assert told["problems"] == []


def test_whatever_does_not_answer_says_so_and_the_rest_is_shown(
    cli: Callable[..., Outcome], announce: Callable[..., None], webserver: FakeWebserver, database_url: str
) -> None:
    announce("http://127.0.0.1:9", database_url=database_url)
    outcome = cli("status")
    assert (outcome.status, outcome.err) == (1, "")
    lines = {label(line): line[15:] for line in outcome.out.splitlines()}
    assert lines["upstream"] == "not asked: its session is kept by the broker, which does not answer"
    assert lines["web server"] == "the webserver at http://127.0.0.1:9/graphql does not answer (connection refused)"
    assert lines["broker"].startswith("the broker does not answer: ")
    assert lines["records"] == "0"
    assert "queues" not in lines
    assert "sesame" not in outcome.out


def test_without_postgresql_the_runs_and_the_queues_are_shown(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    broker_url: str,
    simulator: Callable[..., SimulatorServer],
) -> None:
    webserver.answers |= {"Runs": runs(run_answer()), "Ticks": ticks()}
    upstream = simulator(records_count=20)
    announce(webserver.url, redis_url=broker_url, panaccess_url=upstream.url)
    outcome = cli("status")
    assert (outcome.status, outcome.err) == (1, "")
    lines = {label(line): line[15:] for line in outcome.out.splitlines()}
    assert lines["PostgreSQL"].startswith("PostgreSQL cannot be reached: ")
    assert lines["upstream"].startswith("newest is record id ")
    assert {"ticks", "queues", "workers"} <= lines.keys()
    assert "records" not in lines


def test_a_silent_upstream_is_not_a_failure_of_ours(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    database_url: str,
    broker_url: str,
) -> None:
    webserver.answers |= {"Runs": runs(run_answer()), "Ticks": ticks()}
    announce(webserver.url, database_url=database_url, redis_url=broker_url)
    outcome = cli("status")
    assert outcome.status == 0
    assert "upstream       PanAccess at 127.0.0.1:9 did not answer login: " in outcome.out


@pytest.mark.parametrize("elsewhere", [False, True], ids=["where people open it", "not where people open it"])
def test_a_stack_elsewhere_is_looked_at_by_the_settings(
    elsewhere: bool,
    cli: Callable[..., Outcome],
    webserver: FakeWebserver,
    database_url: str,
    broker_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    webserver.answers |= {"Runs": runs(run_answer()), "Ticks": ticks()}
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("REDIS_URL", broker_url)
    public = "https://telemetry.example.com" if elsewhere else f"{webserver.url}/"
    monkeypatch.setenv("WEB_URL", public)
    if elsewhere:
        monkeypatch.setenv("WEBSERVER_URL", webserver.url)
    outcome = cli("status")
    assert (outcome.status, outcome.err) == (0, "")
    lines = outcome.out.splitlines()
    assert lines[:2] == [
        "stack          none here; DATABASE_URL and REDIS_URL name servers elsewhere",
        f"web UI         {public}",
    ]
    assert {"ticks", "queues", "records"} <= {label(line) for line in lines}


def test_without_a_stack_it_is_said_how_to_start_one_and_where_one_was_looked_for(
    cli: Callable[..., Outcome], home: Path
) -> None:
    outcome = cli("status")
    assert (outcome.status, outcome.out) == (
        0,
        f"stack          none is running in {home}; start it with 'telemetry-pipeline up'\n",
    )


def test_a_database_that_takes_no_changes_is_a_failure(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    broker_url: str,
    engine: sa.Engine,
    filled: str,
) -> None:
    """A standby after a failover answers everything that is asked, and stores nothing."""
    announce(webserver.url, database_url=filled, redis_url=broker_url)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text(f"alter database {engine.url.database} set default_transaction_read_only = on"))
    outcome = cli("status")
    assert outcome.status == 1
    assert "PostgreSQL     PostgreSQL takes no changes: it is a standby, or default_transaction_read_only is on" in outcome.out
    assert "records        3" in outcome.out


def test_who_has_locked_a_table_is_named_and_the_rest_is_shown(
    cli: Callable[..., Outcome],
    announce: Callable[..., None],
    webserver: FakeWebserver,
    broker_url: str,
    engine: sa.Engine,
    filled: str,
) -> None:
    announce(webserver.url, database_url=filled, redis_url=broker_url)
    with engine.begin() as connection:
        connection.execute(sa.text("set local application_name = 'psql of Ana'"))
        connection.execute(sa.text("lock table telemetry.problems"))
        outcome = cli("status")
    assert outcome.status == 1
    assert "PostgreSQL     telemetry.problems is locked by postgres (psql of Ana, process " in outcome.out
    assert "records        3" in outcome.out
