"""Runs that a person launches, cancels, repeats."""

from __future__ import annotations

from dataclasses import dataclass

from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import TelemetryError, Unavailable
from telemetry_pipeline.steering.launch import Launch
from telemetry_pipeline.steering.record import Record

UNFINISHED = tuple(status for status in RunStatus if not status.ended)
"""The states of runs that can be cancelled."""

_PATIENCE_SECONDS = 15.0
_MOST_RUNS = 1_000


@dataclass(frozen=True)
class Cancelled:
    """What came of cancelling several runs.

    :ivar runs: those that end now. :ivar refused: why others go on, by their ids; those that had just ended are in neither.
    """

    runs: tuple[str, ...]
    refused: dict[str, str]


def launch(client: TelemetryClient, record: Record, asked: Launch) -> str:
    """Launch it; the run's id."""
    first, last = (asked.period.first, asked.period.last) if asked.period else (None, None)
    days = [str(first), str(last)] if asked.period else []
    with record.of("run launched", target=asked.job, days=days, parameters=asked.config, priority=asked.priority):
        return client.launch(asked.job, first=first, last=last, parameters=asked.config, tags=asked.priority.tags)


def cancel(client: TelemetryClient, record: Record, run_id: str) -> None:
    """Ask a run to stop; it ends some seconds later.

    :raises TelemetryError: it ended already, or cannot be stopped now.
    """
    with record.of("run cancelled", run_id=run_id):
        client.cancel(run_id, _PATIENCE_SECONDS)


def cancel_all(client: TelemetryClient, record: Record) -> Cancelled:
    """Ask every run that has not ended to stop."""
    found = client.runs(statuses=[each for each in UNFINISHED if each is not RunStatus.CANCELING], limit=_MOST_RUNS)
    # What waits would be started in the place of what ends.
    ordered = sorted(found, key=lambda run: run.status is not RunStatus.QUEUED)
    return cancel_these(client, record, [run.run_id for run in ordered])


def cancel_these(client: TelemetryClient, record: Record, run_ids: list[str]) -> Cancelled:
    """Ask some runs to stop."""
    cancelled, refused = [], {}
    for run_id in run_ids:
        try:
            cancel(client, record, run_id)
        except Unavailable:
            raise
        except TelemetryError as err:
            if not client.run(run_id).status.ended:
                refused[run_id] = err.problem
        else:
            cancelled.append(run_id)
    return Cancelled(tuple(cancelled), refused)


def repeat(client: TelemetryClient, record: Record, run_id: str) -> str:
    """Run all of it again, with its days, parameters and priority; the new run's id.

    :raises RequestRefused: there is no such run, or it cannot be.
    """
    with record.of("run repeated", run_id=run_id):
        return client.reexecute(run_id, from_failure=False)
