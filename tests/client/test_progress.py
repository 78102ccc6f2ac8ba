"""How far a run has come follows from its events, in whatever order and form they come."""

from __future__ import annotations

from typing import Any

from client_events import event, materialized, observed

from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.progress import Progress


def progress_after(*events: dict[str, Any]) -> Progress:
    progress = Progress(status=RunStatus.STARTED)
    progress.plan(["telemetry_records", "ott_views"])
    progress.feed(events)
    return progress


def test_progress_counts_steps_and_what_the_step_at_work_says() -> None:
    progress = progress_after(event("ExecutionStepStartEvent", "telemetry_records"))
    assert (progress.percent, progress.message) == (0.0, "telemetry_records")
    progress.feed([observed("telemetry_records", percent=50.0, records=200_000, total=400_000, eta_seconds=12.2)])
    assert progress.percent == 25.0
    assert progress.message == "telemetry_records: 200,000 of 400,000 records"
    assert (progress.records_read, progress.records_total, progress.eta_seconds) == (200_000, 400_000, 12.2)
    progress.feed([event("ExecutionStepSuccessEvent", "telemetry_records"), event("ExecutionStepSkippedEvent", "ott_views")])
    assert (progress.percent, progress.steps_done) == (100.0, 2)


def test_an_observation_without_a_total_or_out_of_bounds_is_shown_as_far_as_it_goes() -> None:
    progress = progress_after(
        event("ExecutionStepStartEvent", "telemetry_records"), observed("telemetry_records", percent=130.0, records=7)
    )
    assert progress.percent == 50.0
    assert progress.message == "telemetry_records: 7 records"
    assert (progress.records_total, progress.eta_seconds) == (None, None)


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
    assert progress.failures == [(None, "the process is gone", "")]


def test_a_run_that_fails_with_its_step_is_told_once() -> None:
    error = {"message": "ValueError: bad\n", "className": "ValueError", "causes": []}
    progress = progress_after(
        event("ExecutionStepFailureEvent", "ott_views", error=error, failureMetadata=None),
        event("RunFailureEvent", error=None, message="Steps failed: ['ott_views']."),
    )
    assert progress.failures == [("ott_views", "ValueError: bad", "")]


def test_what_a_failed_step_advises_stands_apart() -> None:
    entries = [{"label": "advice", "text": "check it"}, {"label": "of no account", "text": "x"}]
    told = {"description": "wrong password", "metadataEntries": entries}
    progress = progress_after(event("ExecutionStepFailureEvent", "telemetry_records", error=None, failureMetadata=told))
    assert progress.failures == [("telemetry_records", "wrong password", "check it")]


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


def test_a_run_says_in_every_state_what_it_is_at() -> None:
    progress = Progress()
    assert (progress.message, progress.percent, progress.steps_total) == ("waiting to start", 0.0, 0)
    progress = progress_after()
    assert progress.message == "starting"
    progress.feed([event("ExecutionStepSuccessEvent", "telemetry_records")])
    assert progress.message == "waiting for the next step"
    progress.feed([event("ExecutionStepSuccessEvent", "ott_views")])
    assert progress.message == "ending"
    progress.status = RunStatus.CANCELING
    assert progress.message == "cancelling"
    progress.status = RunStatus.CANCELED
    assert (progress.message, progress.ended) == ("canceled", True)


def test_a_run_that_failed_says_why() -> None:
    error = {"message": "telemetry_pipeline.errors.LoginRejected: wrong password", "className": "X", "causes": []}
    progress = progress_after(event("ExecutionStepFailureEvent", "telemetry_records", error=error, failureMetadata=None))
    progress.status = RunStatus.FAILURE


def test_what_was_read_is_still_told_when_the_next_step_is_at_work() -> None:
    progress = progress_after(
        event("ExecutionStepStartEvent", "telemetry_records"),
        observed("telemetry_records", percent=100.0, records=7, total=7, eta_seconds=0.0),
        event("ExecutionStepSuccessEvent", "telemetry_records"),
        event("ExecutionStepStartEvent", "ott_views"),
    )
    assert (progress.records_read, progress.records_total, progress.eta_seconds) == (7, 7, None)
    assert progress.message == "ott_views"


def test_of_a_step_that_makes_several_assets_each_is_told_of() -> None:
    """Analyses of a theme: how long each took, and which of them failed."""
    told = {
        "description": "cohorts: too much; reach: away",
        "metadataEntries": [
            {"label": "failed/cohorts", "text": "too much"},
            {"label": "advice/cohorts", "text": "ask for less"},
            {"label": "failed/reach", "text": "away"},
        ],
    }

    def at(seconds: float, of_step: dict[str, Any]) -> dict[str, Any]:
        return of_step | {"stepKey": "general", "timestamp": str(1_795_233_221_000 + int(1000 * seconds))}

    progress = progress_after(
        at(0, event("ExecutionStepStartEvent")),
        at(2, materialized("top_channels", "2026-11-20")),
        at(2, materialized("top_channels", "2026-11-21")),
        at(5, materialized("share", "2026-11-21")),
        at(6, event("ExecutionStepFailureEvent", error=None, failureMetadata=told)),
    )
    assert progress.seconds == {"top_channels": 2, "share": 3, "general": 6}
    assert progress.failures == [("cohorts", "too much", "ask for less"), ("reach", "away", "")]
