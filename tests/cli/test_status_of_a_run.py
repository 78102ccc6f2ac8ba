"""``status`` of one run: its steps, why it failed, and which one is meant."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from cli_harness import Outcome
from status_answers import FULL_ID, runs
from webservers import FakeWebserver, run_answer


def test_a_run_shows_its_steps_and_why_it_failed(
    cli: Callable[..., Outcome], announce: Callable[..., None], webserver: FakeWebserver
) -> None:
    failed = run_answer(
        FULL_ID,
        status="FAILURE",
        executionPlan={"steps": [{"key": "telemetry_records"}, {"key": "ott_views"}]},
        stepStats=[
            {
                "stepKey": "telemetry_records",
                "status": "FAILURE",
                "startTime": 1_795_233_224.0,
                "endTime": 1_795_233_232.0,
                "attempts": [{}, {}, {}],
            }
        ],
    )
    error = {"message": "telemetry_pipeline.errors.LoginRejected: wrong password\n", "className": "", "causes": []}
    failure = {
        "__typename": "ExecutionStepFailureEvent",
        "stepKey": "telemetry_records",
        "message": "",
        "timestamp": "1",
        "error": error,
    }
    webserver.answers |= {
        "Run": lambda variables: {
            "runOrError": failed if variables["id"] == FULL_ID else {"__typename": "RunNotFoundError", "message": "no"}
        },
        "Runs": runs(run_answer("11111111-0000"), run_answer(FULL_ID)),
        "Events": {
            "runOrError": failed,
            "logsForRun": {"__typename": "EventConnection", "cursor": "1", "hasMore": False, "events": [failure]},
        },
    }
    announce(webserver.url)
    for wanted in (FULL_ID, "0098262b", "0098262B"):
        outcome = cli("status", wanted)
        assert outcome.status == 0
        lines = outcome.out.splitlines()
        assert f"run            {FULL_ID}" in lines
        assert lines[-1] == "telemetry_records failed: wrong password"
        assert lines[-4].split() == ["telemetry_records", "failure", "2026-11-20", "21:53:44", "8.0", "s", "3"]
        assert lines[-3].split() == ["ott_views", "not", "started"]
        assert lines[-2] == "times: America/Mexico_City"
        assert "started        2026-11-20 21:53:43 America/Mexico_City" in lines
    told = json.loads(cli("status", FULL_ID, "--format", "json").out)
    assert (told["run_id"], told["status"], told["first"], told["last"]) == (FULL_ID, "failure", "2026-11-20", "2026-11-20")
    assert told["started_at"].startswith("2026-11-20T21:53:43.")
    assert told["started_at"].endswith("-06:00")
    assert told["steps"][0] == {
        "step": "telemetry_records",
        "status": "failure",
        "started_at": "2026-11-20T21:53:44-06:00",
        "ended_at": "2026-11-20T21:53:52-06:00",
        "attempts": 3,
    }
    assert told["failures"] == [{"step": "telemetry_records", "message": "wrong password", "advice": ""}]


@pytest.mark.parametrize(
    ("wanted", "said"), [("33", "there is no run '33'"), ("1", "2 runs begin with '1'\n-> give more of the id")]
)
def test_a_run_that_is_not_there_or_not_clear_is_told(
    cli: Callable[..., Outcome], announce: Callable[..., None], webserver: FakeWebserver, wanted: str, said: str
) -> None:
    webserver.answers |= {
        "Run": {"runOrError": {"__typename": "RunNotFoundError", "message": "no"}},
        "Runs": runs(run_answer("11111111-0000"), run_answer("12222222-0000")),
    }
    announce(webserver.url)
    outcome = cli("status", wanted)
    assert outcome.status == 1
    assert said in outcome.err


def test_a_run_needs_a_stack(cli: Callable[..., Outcome]) -> None:
    outcome = cli("status", FULL_ID)
    assert outcome.status == 1
    assert "start one with 'telemetry-pipeline up'" in outcome.err
