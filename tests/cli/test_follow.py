from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from cli.harness import FakeWebserver

from telemetry_pipeline.cli import follow as module
from telemetry_pipeline.cli.follow import Interrupts, RunProgress, follow
from telemetry_pipeline.cli.graphql import DagsterApi, error_message, one_line
from telemetry_pipeline.cli.progress import LineDisplay, TerminalDisplay, describe
from telemetry_pipeline.errors import StackError, TelemetryError

RUN = {"__typename": "Run", "status": "STARTED"}


def event(kind: str, step: str | None = None, **more: Any) -> dict[str, Any]:
    return {"__typename": kind, "stepKey": step, "message": f"{kind} of {step}", "timestamp": "1795233221000", **more}


def observed(step: str, **values: float) -> dict[str, Any]:
    return event("ObservationEvent", step, assetKey={"path": [step]}, partition=None, metadataEntries=_entries(values))


def materialized(step: str, partition: str | None, **values: float) -> dict[str, Any]:
    entries = _entries({name.replace("__", "/"): value for name, value in values.items()})
    key = {"path": [step]}
    return event("MaterializationEvent", step, assetKey=key, partition=partition, metadataEntries=entries)


def _entries(values: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"label": name, "floatValue": value} if isinstance(value, float) else {"label": name, "intRepr": str(value)}
        for name, value in values.items()
    ]


def progress_after(*events: dict[str, Any]) -> RunProgress:
    progress = RunProgress(status="STARTED")
    progress.plan(["telemetry_records", "ott_views"])
    progress.feed(events)
    return progress


class Screen:
    """A display that remembers."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.notes: list[str] = []

    def update(self, progress: RunProgress) -> None:
        self.lines.append(describe(progress))

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_POLL_SECONDS", 0.01)
    monkeypatch.setattr(module, "_TERMINATE_AGAIN_SECONDS", 0.01)


def test_progress_counts_steps_and_what_the_step_at_work_says() -> None:
    progress = progress_after(event("ExecutionStepStartEvent", "telemetry_records"))
    assert (progress.percent, describe(progress)) == (0.0, "0/2 steps  telemetry_records")
    progress.feed([observed("telemetry_records", percent=50.0, records=200_000, total=400_000, eta_seconds=12.2)])
    assert progress.percent == 25.0
    assert describe(progress) == "0/2 steps  telemetry_records: 200,000 of 400,000 records, 12 s left"
    progress.feed([event("ExecutionStepSuccessEvent", "telemetry_records"), event("ExecutionStepSkippedEvent", "ott_views")])
    assert (progress.percent, progress.steps_done) == (100.0, 2)


def test_an_observation_without_a_total_or_out_of_bounds_is_shown_as_far_as_it_goes() -> None:
    progress = progress_after(
        event("ExecutionStepStartEvent", "telemetry_records"), observed("telemetry_records", percent=130.0, records=7)
    )
    assert progress.percent == 50.0
    assert describe(progress) == "0/2 steps  telemetry_records: 7 records"


def test_other_observations_are_no_progress() -> None:
    progress = progress_after(event("ExecutionStepStartEvent", "ott_views"), observed("ott_views", rows=5))
    assert progress.observations == {}


def test_a_failed_step_that_is_tried_again_is_told_and_is_no_failure() -> None:
    error = {"message": "telemetry_pipeline.errors.PanAccessUnavailable: HTTP 503\n", "className": "X", "causes": []}
    progress = progress_after(
        event("ExecutionStepStartEvent", "telemetry_records"),
        event("ExecutionStepUpForRetryEvent", "telemetry_records", error=error, secondsToWait=4.0),
    )
    assert progress.take_notes() == ["telemetry_records will be tried again in 4 s: HTTP 503"]
    assert progress.take_notes() == []
    assert (progress.failures, progress.running) == ([], [])


def test_a_steps_attempts_add_up_to_its_time() -> None:
    progress = progress_after(
        event("ExecutionStepStartEvent", "ott_views", timestamp="1795233221000"),
        event("ExecutionStepUpForRetryEvent", "ott_views", timestamp="1795233222500", error=None),
        event("ExecutionStepRestartEvent", "ott_views", timestamp="1795233230000"),
        event("ExecutionStepSuccessEvent", "ott_views", timestamp="1795233231000"),
    )
    assert progress.seconds == {"ott_views": 2.5}


def test_a_step_that_goes_on_in_a_new_one_is_not_told_as_a_failure() -> None:
    error = {"message": "dagster.RetryRequested\n", "className": "RetryRequested", "causes": []}
    progress = progress_after(
        event("ExecutionStepStartEvent", "telemetry_records"),
        observed("telemetry_records", percent=50.0),
        event("ExecutionStepUpForRetryEvent", "telemetry_records", error=error, secondsToWait=None),
        event("ExecutionStepRestartEvent", "telemetry_records"),
    )
    assert progress.take_notes() == []
    assert progress.percent == 25.0


def test_a_failure_before_any_step_is_the_runs_own() -> None:
    progress = progress_after(event("RunFailureEvent", error=None, message="the process is gone"))
    assert progress.failures == [(None, "the process is gone")]


def test_a_run_that_fails_with_its_step_is_told_once() -> None:
    error = {"message": "ValueError: bad\n", "className": "ValueError", "causes": []}
    progress = progress_after(
        event("ExecutionStepFailureEvent", "ott_views", error=error, failureMetadata=None),
        event("RunFailureEvent", error=None, message="Steps failed: ['ott_views']."),
    )
    assert progress.failures == [("ott_views", "ValueError: bad")]


def test_rows_of_partitions_add_up_and_a_count_of_the_whole_does_not() -> None:
    progress = progress_after(
        materialized("telemetry_records", "2026-10-01", dagster__row_count=900, dagster__partition_row_count=10),
        materialized("telemetry_records", "2026-10-02", dagster__row_count=900, dagster__partition_row_count=20),
        materialized("telemetry_records", "2026-10-02", dagster__row_count=900, dagster__partition_row_count=21),
        materialized("ott_views", "2026-10-01", dagster__row_count=7),
        materialized("ott_views", "2026-10-02", dagster__row_count=7),
    )
    progress.feed([materialized("geography", None, records_stored=5, gaps=0, share=0.5)])
    assert progress.stored["geography"].rows == 5
    assert progress.stored.pop("geography").facts == {"records_stored": 5, "gaps": 0}
    stored = {asset: (each.rows, len(each.partitions)) for asset, each in progress.stored.items()}
    assert stored == {"telemetry_records": (31, 2), "ott_views": (7, 2)}


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (["dagster._core.errors.DagsterExecutionStepExecutionError: Error", "ValueError: bad"], "ValueError: bad"),
        (
            ["dagster.Wrapped: x", "telemetry_pipeline.errors.LoginRejected: wrong password", "urllib3.Y: z"],
            "wrong password",
        ),
        (["sqlalchemy.exc.OperationalError: no\n  connection\n"], "no connection"),
    ],
    ids=["deepest", "ours", "one line"],
)
def test_of_a_chain_of_causes_the_message_that_helps_is_shown(chain: list[str], said: str) -> None:
    links = [{"message": message, "className": "?"} for message in chain]
    assert error_message({**links[0], "causes": links[1:]}) == said


def test_a_message_of_many_pages_is_cut() -> None:
    assert len(one_line("x" * 10_000)) == 600


def answers(*pages: dict[str, Any] | tuple[int, str]) -> Iterator[dict[str, Any] | tuple[int, str]]:
    """What one look at the run after the other finds; the last one again and again."""
    yield from pages
    while True:
        yield pages[-1]


def page(status: str, *events: dict[str, Any], more: bool = False, cursor: str = "c") -> dict[str, Any]:
    connection = {"__typename": "EventConnection", "cursor": cursor, "hasMore": more, "events": list(events)}
    return {"runOrError": {**RUN, "status": status}, "logsForRun": connection}


def watch(fake: FakeWebserver, *pages: dict[str, Any] | tuple[int, str], screen: Screen | None = None) -> RunProgress:
    found = answers(*pages)
    plan = {**RUN, "executionPlan": {"steps": [{"key": "telemetry_records"}, {"key": "ott_views"}]}}
    fake.answers |= {"Events": lambda _: next(found), "Run": {"runOrError": plan}}
    with Interrupts() as interrupts:
        return follow(DagsterApi(fake.url), "id", screen or Screen(), interrupts, lambda: None)


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
    with pytest.raises(StackError, match="answered HTTP 503"):
        watch(webserver, page("STARTED"), (503, ""))


def test_a_run_that_was_deleted_meanwhile_is_an_error(webserver: FakeWebserver) -> None:
    gone = {"__typename": "RunNotFoundError", "message": "Run id could not be found."}
    with pytest.raises(TelemetryError, match="could not be found"):
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
        progress = follow(DagsterApi(webserver.url), "id", screen, interrupts, lambda: None)
    assert progress.status == "CANCELED"
    assert screen.notes == [
        "cancelling the run; Ctrl-C again leaves it behind",
        "the run cannot be cancelled yet: not started yet",
    ]


def test_a_second_ctrl_c_leaves(webserver: FakeWebserver) -> None:
    webserver.answers |= {
        "Terminate": lambda _: os.kill(os.getpid(), signal.SIGINT) or {"terminateRun": {"__typename": "TerminateRunSuccess"}},
    }
    before = signal.getsignal(signal.SIGINT)
    with Interrupts() as interrupts:
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            follow(DagsterApi(webserver.url), "id", Screen(), interrupts, lambda: None)
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
