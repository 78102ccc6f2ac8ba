"""A front door over a Dagster that says what a test wants, and a broker."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from front_door import door_settings
from starlette.types import ASGIApp
from webservers import TARGETS, FakeWebserver, run_answer

from telemetry_pipeline.web.app import create_app

RUN_ID = "0098262b-cb97-4815-bc8b-2c8e0495552d"
ANOTHER_ID = "11111111-cb97-4815-bc8b-2c8e0495552d"
CANCELLED = {"terminateRun": {"__typename": "TerminateRunSuccess"}}
ENDED = {"terminateRun": {"__typename": "TerminateRunFailure", "message": "it has ended"}}


def run_of(status: str = "SUCCESS", run_id: str = RUN_ID, **more: Any) -> dict[str, Any]:
    """A run, as each of the documents asks for it."""
    steps = {
        "executionPlan": {"steps": [{"key": "telemetry_records"}, {"key": "ott_views"}]},
        "stepStats": [
            {
                "stepKey": "telemetry_records",
                "status": "SUCCESS",
                "startTime": 1_795_233_224.0,
                "endTime": 1_795_233_230.0,
                "attempts": [{"startTime": 1_795_233_224.0, "endTime": 1_795_233_230.0}],
            }
        ],
    }
    return run_answer(run_id, status, **{**steps, **more})


def events(*found: dict[str, Any], status: str) -> dict[str, Any]:
    """What happened in a run."""
    page = {"__typename": "EventConnection", "cursor": "c", "hasMore": False, "events": list(found)}
    return {"runOrError": {"__typename": "Run", "status": status}, "logsForRun": page}


def answers(*runs: dict[str, Any]) -> dict[str, Any]:
    """Of a Dagster with these runs, the newest first."""
    by_id = {run["runId"]: run for run in runs}

    def of(variables: dict[str, Any]) -> dict[str, Any]:
        found = by_id.get(variables["id"], {"__typename": "RunNotFoundError", "message": "no such run"})
        return {"runOrError": found}

    def listed(variables: dict[str, Any]) -> dict[str, Any]:
        statuses = variables["filter"].get("statuses")
        found = [run for run in runs if statuses is None or run["status"] in statuses]
        return {"runsOrError": {"__typename": "Runs", "results": found[: variables["limit"]]}}

    state = {"status": "RUNNING", "ticks": [{"status": "SUCCESS", "runs": [{"status": "SUCCESS"}]}]}
    return {
        "Run": of,
        "Status": of,
        "Runs": listed,
        "Events": lambda variables: events(status=by_id[variables["id"]]["status"]),
        "Ticks": {"scheduleOrError": {"__typename": "Schedule", "scheduleState": state}},
        "Targets": TARGETS,
        "Terminate": CANCELLED,
        "Launch": {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": ANOTHER_ID}}},
        "Reexecute": {"launchRunReexecution": {"__typename": "LaunchRunSuccess", "run": {"runId": ANOTHER_ID}}},
    }


def door_over(dagster: FakeWebserver, engine: sa.Engine, database_url: str, **settings: Any) -> ASGIApp:
    """The door."""
    given = {"webserver_url": dagster.url, "first_partition": "2026-01-01", **settings}
    return create_app(door_settings(database_url, **given), engine)
