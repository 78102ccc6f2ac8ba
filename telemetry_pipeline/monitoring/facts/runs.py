"""How one run went: found by the beginning of its id, with its steps and why they failed."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry_pipeline.client.answers import Run, RunStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.progress import Failure
from telemetry_pipeline.errors import RequestRefused

# A prefix is looked for among this many of the newest runs: two weeks of ticks.
_SEARCHED_RUNS = 10_000
_ID_LENGTH = 36


@dataclass(frozen=True)
class RunReport:
    """A run with its steps.

    :ivar failures: why its steps failed, or the run itself.
    """

    run: Run
    failures: list[Failure]


def examine_run(client: TelemetryClient, wanted: str) -> RunReport:
    """Return how the run went whose id is, or begins with, *wanted*.

    :raises RequestRefused: none has, or several have.
    """
    run = find_run(client, wanted)
    return RunReport(run, client.progress(run.run_id).failures if run.status == RunStatus.FAILURE else [])


def find_run(client: TelemetryClient, wanted: str) -> Run:
    """Return the run whose id is, or begins with, *wanted*.

    :raises RequestRefused: none has, or several have.
    """
    if len(wanted) >= _ID_LENGTH:
        return client.run(wanted)
    found = [run.run_id for run in client.runs(limit=_SEARCHED_RUNS) if run.run_id.startswith(wanted.lower())]
    if len(found) > 1:
        raise RequestRefused(f"{len(found)} runs begin with {wanted!r}", "give more of the id")
    if not found:
        raise RequestRefused(f"there is no run {wanted!r}", "'telemetry-pipeline status' lists the last ones")
    return client.run(found[0])
