"""``dead-letters`` lists the steps that failed for good, and runs them again or gives them up."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from webservers import FakeWebserver, run_answer

from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter, add, open_letters
from telemetry_pipeline.warehouse.operations.problems import Problem

FIRST, SECOND = "11111111-cb97-4815-bc8b-2c8e0495552d", "22222222-cb97-4815-bc8b-2c8e0495552d"
DAY = "2026-11-20"


@pytest.fixture
def letters(engine: sa.Engine) -> list[int]:
    """Numbers of three: two steps of one run, one of another."""
    add(
        engine,
        [
            DeadLetter(FIRST, "telemetry_tick", "top_channels", DAY, "telemetry_pipeline.errors.X: no\nconnection"),
            DeadLetter(FIRST, "telemetry_tick", "geography", DAY, "out of memory"),
            DeadLetter(SECOND, "telemetry_range", "ott_views", "2026-10-01 to 2026-10-31", "broken"),
        ],
    )
    return [letter.id for letter in open_letters(engine)]


@pytest.fixture
def accepting(webserver: FakeWebserver, announce: Callable[..., None], database_url: str) -> FakeWebserver:
    """A web server that takes every re-execution; its runs are called ``new-`` and their parent."""

    def accept(variables: dict[str, Any]) -> dict[str, Any]:
        parent = variables["params"]["parentRunId"]
        return {"launchRunReexecution": {"__typename": "LaunchRunSuccess", "run": {"runId": f"new-{parent[:8]}"}}}

    webserver.answers |= {"Status": {"runOrError": run_answer(status="FAILURE")}, "Reexecute": accept}
    announce(webserver.url, database_url=database_url)
    return webserver


def refusing(parent: str, answer: Callable[[dict[str, Any]], Any]) -> Callable[[dict[str, Any]], Any]:
    """A web server that does not know one run any more."""

    def answer_or_refuse(variables: dict[str, Any]) -> Any:
        if variables["params"]["parentRunId"] != parent:
            return answer(variables)
        error = {"__typename": "PythonError", "message": "Run was deleted", "className": "", "causes": []}
        return {"launchRunReexecution": error}

    return answer_or_refuse


def settled(engine: sa.Engine) -> list[str | None]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("select settled_by from telemetry.dead_letters order by dead_letter_id")))


def reexecuted(webserver: FakeWebserver) -> list[dict[str, Any]]:
    return [variables["params"] for operation, variables in webserver.asked if operation == "Reexecute"]


def test_an_empty_list_is_fine(cli: Callable[..., Outcome], database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert cli("dead-letters") == Outcome(0, "none\n", "")
    assert cli("dead-letters", "--format", "json") == Outcome(0, "[]\n", "")
    assert cli("dead-letters", "--rerun", "all") == Outcome(0, "none\n", "")


def test_letters_are_listed_each_on_a_line(
    cli: Callable[..., Outcome], letters: list[int], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    outcome = cli("dead-letters")
    assert (outcome.status, outcome.err) == (0, "")
    header, *lines, clock = [line.split() for line in outcome.out.splitlines()]
    assert clock == ["times:", "America/Mexico_City"]
    assert header == ["id", "when", "job", "step", "partition", "run", "error"]
    assert [line[0] for line in lines] == [str(number) for number in letters]
    assert lines[0][3:] == ["telemetry_tick", "top_channels", DAY, "11111111", "no", "connection"]
    assert lines[2][-5:] == ["2026-10-01", "to", "2026-10-31", "22222222", "broken"]

    rows = json.loads(cli("dead-letters", "--format", "json").out)
    assert [row["id"] for row in rows] == letters
    assert rows[1].keys() == {"id", "failed_at", "job", "step", "partition", "run_id", "error"}
    assert (rows[1]["run_id"], rows[1]["error"]) == (FIRST, "out of memory")
    assert rows[1]["failed_at"].endswith("-06:00")


def test_a_run_is_repeated_once_for_all_its_steps(
    cli: Callable[..., Outcome], letters: list[int], engine: sa.Engine, accepting: FakeWebserver
) -> None:
    outcome = cli("dead-letters", "--rerun", str(letters[0]))
    assert outcome == Outcome(0, f"run new-11111111 repeats top_channels, geography of telemetry_tick {DAY}\n", "")
    assert reexecuted(accepting) == [{"parentRunId": FIRST, "strategy": "FROM_FAILURE"}]
    assert settled(engine) == ["new-11111111", "new-11111111", None]


@pytest.mark.parametrize("wanted", [["all"], [0, 1, 2], [2, "all"]], ids=["all", "each", "each and all"])
def test_everything_is_repeated(
    cli: Callable[..., Outcome], letters: list[int], engine: sa.Engine, accepting: FakeWebserver, wanted: list[Any]
) -> None:
    options = [str(each if each == "all" else letters[each]) for each in wanted]
    outcome = cli("dead-letters", *(part for option in options for part in ("--rerun", option)))
    assert outcome.status == 0
    assert [line.split()[1] for line in outcome.out.splitlines()] == ["new-11111111", "new-22222222"]
    assert settled(engine) == ["new-11111111", "new-11111111", "new-22222222"]


def test_a_refused_run_stays_on_the_list_and_holds_up_no_other(
    cli: Callable[..., Outcome], letters: list[int], engine: sa.Engine, accepting: FakeWebserver
) -> None:
    accepting.answers["Reexecute"] = refusing(FIRST, accepting.answers["Reexecute"])
    outcome = cli("dead-letters", "--rerun", "all")
    assert outcome.status == 1
    assert outcome.err == f"error: run {FIRST} of telemetry_tick {DAY} cannot be run again: Run was deleted\n"
    assert outcome.out == "run new-22222222 repeats ott_views of telemetry_range 2026-10-01 to 2026-10-31\n"
    assert settled(engine) == [None, None, "new-22222222"]


def test_a_silent_web_server_leaves_the_list_as_it_is(
    cli: Callable[..., Outcome], letters: list[int], engine: sa.Engine, announce: Callable[..., None], database_url: str
) -> None:
    announce("http://127.0.0.1:9", database_url=database_url)
    outcome = cli("dead-letters", "--rerun", "all")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "error: the webserver at http://127.0.0.1:9/graphql does not answer (connection refused)\n"
    assert settled(engine) == [None, None, None]


def test_without_a_web_server_it_is_said_how_to_give_one(
    cli: Callable[..., Outcome], letters: list[int], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    outcome = cli("dead-letters", "--rerun", "all")
    assert outcome.status == 1
    assert "neither WEBSERVER_URL nor WEB_URL is set\n-> start one with 'telemetry-pipeline up'" in outcome.err


def test_a_letter_is_given_up_and_with_the_last_of_a_run_its_problem(
    cli: Callable[..., Outcome], letters: list[int], engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    for run_id in (FIRST, SECOND):
        problems.report(engine, Problem(f"run:{run_id}", "a run failed", run_id=run_id))
    outcome = cli("dead-letters", "--drop", str(letters[1]), "--drop", str(letters[2]))
    assert outcome == Outcome(0, f"given up: {letters[1]}, {letters[2]}\n", "")
    assert settled(engine) == [None, "given up by operator", "given up by operator"]
    left = [problem.run_id for problem in problems.open_problems(engine)]
    assert left == [FIRST], "the other run has nothing left to be repeated"


@pytest.mark.parametrize("option", ["--rerun", "--drop"])
def test_a_number_that_is_not_on_the_list_changes_nothing(
    cli: Callable[..., Outcome], letters: list[int], engine: sa.Engine, accepting: FakeWebserver, option: str
) -> None:
    outcome = cli("dead-letters", option, str(letters[0]), option, "999", option, "998")
    assert (outcome.status, outcome.out) == (1, "")
    assert outcome.err == "error: there is no open dead letter 998, 999\n-> 'telemetry-pipeline dead-letters' lists them\n"
    assert reexecuted(accepting) == []
    assert settled(engine) == [None, None, None]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--rerun", "some"], "'some' is neither a number of the list nor 'all'."),
        (["--drop", "all"], "'all' is not a valid integer."),
        (["--rerun", "1", "--drop", "2"], "Give either --rerun or --drop."),
    ],
    ids=["no number", "drop all", "both"],
)
def test_what_makes_no_sense_is_a_usage_error(
    cli: Callable[..., Outcome], letters: list[int], accepting: FakeWebserver, options: list[str], said: str
) -> None:
    outcome = cli("dead-letters", *options)
    assert outcome.status == 2
    assert said in outcome.err


@pytest.mark.slow
def test_a_failed_run_is_repeated_from_its_failure(
    cli: Callable[..., Outcome],
    dagster_webserver: str,
    engine: sa.Engine,
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Over WEB_URL, for the command may be far from the web server."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    monkeypatch.setenv("WEBSERVER_URL", dagster_webserver)
    client = TelemetryClient(f"{dagster_webserver}/graphql")
    failed = client.launch("telemetry_tick", partition="2026-02-02")
    assert client.wait(failed, 60).status == "FAILURE"
    add(engine, [DeadLetter(failed, "telemetry_tick", "telemetry_records", "2026-02-02", "PanAccess did not answer")])
    outcome = cli("dead-letters", "--rerun", "all")
    assert (outcome.status, outcome.err) == (0, "")
    [new] = settled(engine)
    assert new is not None
    assert outcome.out == f"run {new} repeats telemetry_records of telemetry_tick 2026-02-02\n"
    repeated = client.wait(new, 60)
    assert (repeated.parent_run_id, repeated.partitions) == (failed, ("2026-02-02", "2026-02-02"))
    assert open_letters(engine) == []
