from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from client_events import event, observed
from webservers import FakeWebserver

from telemetry_pipeline.cli.launching import follow as module
from telemetry_pipeline.cli.launching.follow import Interrupts, follow
from telemetry_pipeline.cli.launching.progress import LineDisplay, TerminalDisplay, describe
from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.errors import TelemetryError, WebserverError

RUN = {"__typename": "Run", "status": "STARTED"}


def progress_after(*events: dict[str, Any]) -> Progress:
    progress = Progress(status=RunStatus.STARTED)
    progress.plan(["telemetry_records", "ott_views"])
    progress.feed(events)
    return progress


class Screen:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def update(self, progress: Progress) -> None:
        self.lines.append(describe(progress))

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_CANCEL_AGAIN_SECONDS", 0.01)


def test_a_line_tells_steps_records_and_time_left() -> None:
    progress = progress_after(event("ExecutionStepStartEvent", "telemetry_records"))
    assert describe(progress) == "0/2 steps  telemetry_records"
    progress.feed([observed("telemetry_records", percent=50.0, records=200_000, total=400_000, eta_seconds=12.2)])
    assert describe(progress) == "0/2 steps  telemetry_records: 200,000 of 400,000 records, 12 s left"
    progress.status = RunStatus.SUCCESS
    assert describe(progress) == "0/2 steps  success"


def answers(*pages: dict[str, Any] | tuple[int, str]) -> Iterator[dict[str, Any] | tuple[int, str]]:
    """What one look at the run after the other finds; the last one again and again."""
    yield from pages
    while True:
        yield pages[-1]


def page(status: str, *events: dict[str, Any], more: bool = False, cursor: str = "c") -> dict[str, Any]:
    connection = {"__typename": "EventConnection", "cursor": cursor, "hasMore": more, "events": list(events)}
    return {"runOrError": {**RUN, "status": status}, "logsForRun": connection}


def watch(fake: FakeWebserver, *pages: dict[str, Any] | tuple[int, str], screen: Screen | None = None) -> Progress:
    found = answers(*pages)
    plan = {**RUN, "executionPlan": {"steps": [{"key": "telemetry_records"}, {"key": "ott_views"}]}}
    fake.answers |= {"Events": lambda _: next(found), "Run": {"runOrError": plan}}
    with Interrupts() as interrupts:
        return follow(TelemetryClient(fake.url), "id", screen or Screen(), interrupts, lambda: None)


def test_pages_are_read_on_from_the_cursor(webserver: FakeWebserver) -> None:
    progress = watch(
        webserver,
        page("STARTED", event("ExecutionStepStartEvent", "telemetry_records"), more=True, cursor="1"),
        page("STARTED", event("ExecutionStepSuccessEvent", "telemetry_records"), cursor="2"),
        page("SUCCESS", event("ExecutionStepSkippedEvent", "ott_views"), cursor="3"),
    )
    assert [variables["after"] for operation, variables in webserver.asked if operation == "Events"] == [None, "1", "2"]
    assert progress.states == {"telemetry_records": "done", "ott_views": "skipped"}


def test_a_webserver_that_restarts_meanwhile_does_not_end_the_watch(webserver: FakeWebserver) -> None:
    assert watch(webserver, page("STARTED"), (503, "restarting"), (502, ""), page("SUCCESS")).status == "SUCCESS"


def test_a_webserver_that_stays_silent_does(webserver: FakeWebserver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_SILENCE_SECONDS", 0.1)
    with pytest.raises(WebserverError, match="answered HTTP 503"):
        watch(webserver, page("STARTED"), (503, ""))


def test_a_run_that_was_deleted_meanwhile_is_an_error(webserver: FakeWebserver) -> None:
    gone = {"__typename": "RunNotFoundError", "message": "Run id could not be found."}
    with pytest.raises(TelemetryError, match="there is no run"):
        watch(webserver, {"runOrError": gone, "logsForRun": gone})


def test_ctrl_c_cancels_and_asks_again_until_the_run_can_be_cancelled(webserver: FakeWebserver) -> None:
    refusals = [{"__typename": "TerminateRunFailure", "message": "not started yet"}] * 2
    asked = threading.Event()

    def terminate(_: object) -> dict[str, Any]:
        if refusals:
            return {"terminateRun": refusals.pop()}
        asked.set()
        return {"terminateRun": {"__typename": "TerminateRunSuccess"}}

    def events(_: object) -> dict[str, Any]:
        if not asked.is_set() and len(webserver.asked) == 2:
            os.kill(os.getpid(), signal.SIGINT)
        return page("CANCELED" if asked.is_set() else "STARTED")

    webserver.answers |= {
        "Terminate": terminate,
        "Events": events,
        "Run": {"runOrError": {**RUN, "executionPlan": None}},
    }
    screen = Screen()
    with Interrupts() as interrupts:
        progress = follow(TelemetryClient(webserver.url), "id", screen, interrupts, lambda: None)
    assert progress.status == "CANCELED"
    assert screen.notes == [
        "cancelling the run; Ctrl-C again leaves it behind",
        "the run cannot be cancelled yet: not started yet",
    ]


def test_a_second_ctrl_c_leaves(webserver: FakeWebserver) -> None:

    def terminate(_: object) -> dict[str, Any]:
        os.kill(os.getpid(), signal.SIGINT)
        return {"terminateRun": {"__typename": "TerminateRunSuccess"}}

    webserver.answers["Terminate"] = terminate
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            follow(TelemetryClient(webserver.url), "id", Screen(), interrupts, lambda: None)
    assert signal.getsignal(signal.SIGINT) is before


def test_lines_are_printed_at_each_change_and_not_at_each_look(capsys: pytest.CaptureFixture[str]) -> None:
    display = LineDisplay()
    progress = progress_after(event("ExecutionStepStartEvent", "telemetry_records"))
    for _ in range(5):
        display.update(progress)
    progress.feed([event("ExecutionStepSuccessEvent", "telemetry_records")])
    display.update(progress)
    assert capsys.readouterr().out.splitlines() == [
        "  0 %  0/2 steps  telemetry_records",
        " 50 %  1/2 steps  waiting for the next step",
    ]


def test_the_terminals_lines_survive_names_with_markup(capsys: pytest.CaptureFixture[str]) -> None:
    progress = progress_after(event("ExecutionStepStartEvent", "telemetry_records"))
    with TerminalDisplay("[bold]telemetry") as display:
        display.update(progress)
        display.note("[/nonsense] is only text")
    assert "[/nonsense] is only text" in capsys.readouterr().out
