"""Texts from elsewhere that would command a terminal: they are seen, whichever command shows them, and do nothing."""

from __future__ import annotations

import csv
import io
import json
import re
import threading
import unicodedata
from collections.abc import Callable
from datetime import UTC, date, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import sqlalchemy as sa
from cli.test_output import on_a_terminal
from cli_harness import Outcome
from stored_for_show import storing
from webservers import FakeWebserver, run_answer

from telemetry_pipeline.cli.launching.progress import LineDisplay, TerminalDisplay
from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.dead_letters import DeadLetter, add
from telemetry_pipeline.warehouse.operations.problems import Problem

# Clears the screen, sets the title, reverses the writing, rings, hides, and pretends to be a line of ours.
POISON = "Ñandú 👩‍👩‍👧 \x1b[2J\x1b]0;title\x07\x9b31m\u202egpj.exe\u2066\x08\x7f\r\nworkers        all is well"
SEEN = "Ñandú 👩‍👩‍👧 \\u001b[2J\\u001b]0;title\\u0007\\u009b31m\\u202egpj.exe\\u2066\\b\\u007f\\r\\nworkers        all is well"
# Where blanks are made one, ends of lines among them.
ON_ONE_LINE = SEEN.replace("\\r\\n", " ").replace("        ", " ")

Cli = Callable[..., Outcome]


def obeyed(text: str) -> list[str]:
    """What a terminal would obey."""
    return [
        ascii(each)
        for each in text
        if unicodedata.category(each) in ("Cc", "Cf", "Cs", "Zl", "Zp") and each not in "\n\N{ZERO WIDTH JOINER}"
    ]


@pytest.fixture
def poisoned(engine: sa.Engine, database_url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A warehouse in which every text that comes from elsewhere is poison."""
    with engine.begin() as connection:
        connection.execute(
            sa.text("insert into telemetry.sync_gaps (first_record_id, last_record_id, reason) values (1, 2, :text)"),
            {"text": POISON},
        )
        connection.execute(
            sa.text("insert into telemetry.rejected_records (payload, reason) values ('1', :text)"), {"text": POISON}
        )
    problems.report(engine, Problem("key", POISON, POISON, POISON))
    problems.note_channel(engine, POISON, POISON, datetime.now(UTC))
    problems.report(engine, Problem(problems.CHANNEL + POISON, POISON))
    add(engine, [DeadLetter("11111111-aaaa", "telemetry_tick", f"step{POISON}", POISON, POISON)])
    store = storing(engine)
    store("top_channels", date(2026, 10, 1), {"channel": [POISON, "=cmd|' /C calc'!A0"], "rank": [1, 2], "views": [7, 3]})
    monkeypatch.setenv("DATABASE_URL", database_url)
    return database_url


@pytest.mark.parametrize(
    "command",
    [
        "status",
        "status --format json",
        "show top_channels",
        "show top_channels --format json",
        "show top_channels --format csv",
        "show top_channels --format csv --excel",
        "dead-letters",
        "dead-letters --format json",
        "doctor",
        "cursor",
        "watch --once",
    ],
)
def test_no_command_shows_what_a_terminal_obeys(
    cli: Cli, poisoned: str, announce: Callable[..., None], webserver: FakeWebserver, command: str
) -> None:
    error = {"__typename": "PythonError", "message": POISON, "className": POISON, "causes": []}
    webserver.answers |= {"Runs": {"runsOrError": error}, "Ticks": {"scheduleOrError": error}, "Health": (200, POISON)}
    announce(webserver.url, database_url=poisoned, dagster_database_url=poisoned)
    outcome = cli(*command.split())
    assert not obeyed(outcome.out.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}").replace("\r\n", "\n"))
    assert not obeyed(outcome.err)
    assert "\nworkers        all is well" not in outcome.out or "csv" in command
    if command not in ("cursor", "watch --once", "doctor"):
        assert "\\u001b]0;title" in outcome.out


@pytest.mark.usefixtures("poisoned")
def test_json_is_exact(cli: Cli) -> None:
    rows = json.loads(cli("show", "top_channels", "--format", "json").out)
    assert [row["channel"] for row in rows] == [POISON, "=cmd|' /C calc'!A0"]
    [letter] = json.loads(cli("dead-letters", "--format", "json").out)
    assert letter["error"] == POISON


@pytest.mark.usefixtures("poisoned")
def test_csv_keeps_what_an_analyst_needs_and_only_the_one_for_excel_defuses_formulas(cli: Cli, tmp_path: Path) -> None:
    cli("show", "top_channels", "--format", "csv", "--output", str(tmp_path / "exact.csv"))
    exact = list(csv.DictReader(io.StringIO((tmp_path / "exact.csv").read_text(), newline="")))
    assert [row["channel"] for row in exact] == [SEEN.replace("\\n", "\n"), "=cmd|' /C calc'!A0"]
    out = cli("show", "top_channels", "--format", "csv", "--excel").out.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    excel = list(csv.DictReader(io.StringIO(out), delimiter=";"))
    assert excel[1]["channel"] == "'=cmd|' /C calc'!A0"


def test_a_run_of_which_all_is_poison(cli: Cli, announce: Callable[..., None], webserver: FakeWebserver) -> None:
    failure = {
        "__typename": "ExecutionStepFailureEvent",
        "timestamp": "1795233230000",
        "stepKey": POISON,
        "error": {"message": POISON, "className": POISON, "causes": []},
    }
    run = run_answer("11111111-cb97-4815-bc8b-2c8e0495552d", status="FAILURE", jobName=POISON)
    step = {"stepKey": POISON, "status": "FAILURE", "startTime": 1_795_233_224.0, "endTime": 1_795_233_230.0, "attempts": []}
    run |= {"stepStats": [step], "executionPlan": {"steps": [{"key": POISON}]}}
    events = {"__typename": "EventConnection", "cursor": "1", "hasMore": False, "events": [failure]}
    webserver.answers |= {"Run": {"runOrError": run}, "Events": {"runOrError": run, "logsForRun": events}}
    announce(webserver.url)
    outcome = cli("status", run["runId"])
    assert outcome.status == 0, outcome
    assert not obeyed(outcome.out + outcome.err)
    assert f"job            {SEEN} 2026-11-20" in outcome.out
    assert f"{SEEN} failed: {ON_ONE_LINE}" in outcome.out
    webserver.answers["Run"] = (400, json.dumps({"errors": [{"message": POISON}]}))
    outcome = cli("status", run["runId"])
    assert outcome.status == 1
    assert outcome.err.endswith(f"could not answer: {ON_ONE_LINE}\n")


def test_the_progress_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress(status=RunStatus.STARTED)
    progress.plan([POISON])
    progress.states[POISON] = "running"
    display = LineDisplay()
    display.note(POISON)
    display.update(progress)
    with TerminalDisplay("telemetry_tick") as terminal:
        terminal.note(POISON)
        terminal.update(progress)
    out = capsys.readouterr().out
    assert not obeyed(out)
    assert f"0 %  0/1 steps  {SEEN}" in out


def test_a_table_on_a_terminal() -> None:
    script = f"from telemetry_pipeline.cli.output import print_table; print_table(['a', 'b'], [[{POISON!r}, 1]], {POISON!r})"
    for width in (300, 120, 40):
        seen = re.sub(r"\x1b\[[0-9;]*m", "", on_a_terminal(script, width))
        assert not obeyed(seen)


@pytest.mark.parametrize("options", [[], ["--debug"]])
def test_an_error_of_a_kind_that_nobody_expected(cli: Cli, monkeypatch: pytest.MonkeyPatch, options: list[str]) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ValueError(POISON)

    monkeypatch.setattr("telemetry_pipeline.settings.loading.StackSettings.load", fails)
    outcome = cli("status", *options)
    assert outcome.status == 1
    assert not obeyed(outcome.err)


def test_logs_of_all_kinds(cli: Cli, home: Path) -> None:
    folder = home / "logs"
    folder.mkdir(parents=True)
    entry = {"time": "2026-11-21T11:39:50+00:00", "level": "ERROR", "logger": POISON, "run": POISON, "step": POISON}
    line = json.dumps({**entry, "error": [POISON], "message": POISON}, ensure_ascii=False)
    (folder / "pipeline.log").write_text(f"{line}\n")
    (folder / "worker.log").write_bytes(b"\x1b[34m2026 - dagster\x1b[0m \x1b[2J \x9b \xc2\x9b \r hidden\n")
    shown = cli("logs").out
    assert not obeyed(shown)
    assert [each for each in shown.splitlines() if each.startswith("workers")] == []
    assert "    workers        all is well" in shown.splitlines()
    exact = cli("logs", "--json").out
    assert not obeyed(exact)
    assert json.loads(exact)["message"] == POISON
    assert cli("logs", "worker").out == "2026 - dagster \\u001b[2J \N{REPLACEMENT CHARACTER} \\u009b \\r hidden\n"


class _Poisonous(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        body = json.dumps({"success": False, "errorCode": POISON, "errorMessage": POISON}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def test_an_upstream_that_answers_with_poison(
    cli: Cli, announce: Callable[..., None], database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with HTTPServer(("127.0.0.1", 0), _Poisonous) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        announce("http://127.0.0.1:9", database_url=database_url, redis_url=redis_url)
        monkeypatch.setenv("PANACCESS_URL", f"http://127.0.0.1:{server.server_port}/")
        for name in ("USERNAME", "PASSWORD", "API_TOKEN"):
            monkeypatch.setenv(f"PANACCESS_{name}", "somebody")
        for command in ("status", "doctor", "cursor"):
            outcome = cli(command)
            assert not obeyed(outcome.out + outcome.err)
            assert "\\u001b[2J" in outcome.out, outcome
        server.shutdown()


def test_texts_of_people_are_shown_as_they_are(cli: Cli, home: Path) -> None:
    folder = home / "logs"
    folder.mkdir(parents=True)
    text = "Ñandú ¿qué? 👩‍👩‍👧 🇲🇽 قناة می‌خواهم ערוץ 東京"
    (folder / "worker.log").write_text(f"{text}\n")
    assert cli("logs", "worker").out == f"{text}\n"
