"""What the client gives back: runs, health and results, and how they are read from GraphQL's answers.

A run on its way is in ``progress``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from telemetry_pipeline.client.documents import LOCATION
from telemetry_pipeline.client.graphql import Json, code_is_away, error_message, metadata, refusal, unwrap
from telemetry_pipeline.errors import CodeUnavailable, RequestRefused
from telemetry_pipeline.tags import partition_range


class RunStatus(StrEnum):
    """What state a run is in."""

    QUEUED = "QUEUED"
    NOT_STARTED = "NOT_STARTED"
    MANAGED = "MANAGED"
    STARTING = "STARTING"
    STARTED = "STARTED"
    SUSPENDED = "SUSPENDED"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    CANCELING = "CANCELING"
    CANCELED = "CANCELED"

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self in (RunStatus.SUCCESS, RunStatus.FAILURE, RunStatus.CANCELED)


class StepStatus(StrEnum):
    """What state a step is in."""

    NOT_STARTED = "NOT_STARTED"
    IN_PROGRESS = "IN_PROGRESS"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    SKIPPED = "SKIPPED"


@dataclass(frozen=True)
class Step:
    """One step of a run; times are UTC, None until they are known."""

    key: str
    status: StepStatus = StepStatus.NOT_STARTED
    started_at: datetime | None = None
    ended_at: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True)
class Run:
    """One run; times are UTC, None until they are known.

    :ivar job: the job; ``__ASSET_JOB`` for a run of assets alone.
    :ivar assets: the assets that were selected; empty for all that the job has.
    :ivar parent_run_id: the run that this one is a re-execution of.
    :ivar steps: in the plan's order, of :meth:`TelemetryClient.run`; of ``runs(steps=True)`` those that began; else none.
    """

    run_id: str
    job: str
    status: RunStatus
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    tags: Mapping[str, str]
    assets: tuple[str, ...] = ()
    parent_run_id: str | None = None
    steps: tuple[Step, ...] = ()

    @property
    def target(self) -> str:
        """What was launched: the job, or the assets of a run of assets alone."""
        return ", ".join(self.assets) if self.assets and self.job.startswith("__") else self.job

    @property
    def partitions(self) -> tuple[str, str] | None:
        """The first and the last partition; None: the run has no partitions."""
        return partition_range(self.tags)


@dataclass(frozen=True)
class Health:
    """How the servers are.

    :ivar version: Dagster's.
    :ivar code_problem: why runs cannot be launched; None when they can.
    :ivar code_server_id: changes whenever the code server is a new process.
    :ivar daemon_ids: the parts of the daemon that have to be at work, in lower case.
    :ivar silent_daemons: those of them without a sign of life.
    """

    version: str
    code_problem: str | None
    code_server_id: str | None
    daemon_ids: tuple[str, ...]
    silent_daemons: tuple[str, ...]


@dataclass(frozen=True)
class Result:
    """The rows of an analysis, not rounded.

    :ivar rows: one ``{column: value}`` per row, in order.
    :ivar period: the days that they are about, as text.
    :ivar parameters: all of them, also those left at their defaults.
    :ivar run_id: the run that computed them, or found them unchanged.
    """

    columns: tuple[str, ...]
    rows: list[dict[str, Any]]
    period: str
    parameters: Mapping[str, Any]
    run_id: str


def materialized(answer: Json) -> Json | None:
    """Return what is said by the materialization that knows where its rows are; *answer* is that to the document ``Stored``."""
    said = (metadata(stored["metadataEntries"]) for stored in answer["assetMaterializations"])
    return next((each for each in said if "rows" in each), None)


def read_run(answer: Json) -> Run:
    """Return a run of the fields that the documents ``Run`` and ``Runs`` ask for."""
    stats = {step["stepKey"]: step for step in answer.get("stepStats", [])}
    planned = [step["key"] for step in (answer.get("executionPlan") or {"steps": []})["steps"]]
    return Run(
        run_id=answer["runId"],
        job=answer["jobName"],
        status=RunStatus(answer["status"]),
        created_at=datetime.fromtimestamp(answer["creationTime"], UTC),
        started_at=_time(answer["startTime"]),
        ended_at=_time(answer["endTime"]),
        tags={tag["key"]: tag["value"] for tag in answer["tags"]},
        assets=tuple("/".join(key["path"]) for key in answer["assetSelection"] or []),
        parent_run_id=answer["parentRunId"],
        steps=tuple(_step(key, stats.get(key)) for key in dict.fromkeys([*planned, *stats])),
    )


def found_run(answer: Json, run_id: str) -> Json:
    """Return what was asked of one run.

    :raises RequestRefused: there is none with that id.
    """
    if answer["runOrError"]["__typename"] == "RunNotFoundError":
        raise no_run(run_id)
    return unwrap(answer["runOrError"])


def launched_run(answer: Json) -> str:
    """Return the id of the run that a mutation launched.

    :raises CodeUnavailable: the code server is away; nothing was launched.
    :raises RequestRefused: nothing was launched; says why.
    """
    if answer["__typename"] == "PythonError" and code_is_away(answer):
        raise CodeUnavailable(f"the code server does not answer: {refusal(answer)}")
    if answer["__typename"] != "LaunchRunSuccess":
        raise RequestRefused(refusal(answer))
    return str(answer["run"]["runId"])


def no_run(run_id: str) -> RequestRefused:
    """Return what is said when there is no such run."""
    return RequestRefused(f"there is no run {run_id!r}", "runs() lists those there are")


def runs_filter(
    statuses: Iterable[RunStatus | str] | None, job: str | None, created_after: datetime | None, created_before: datetime | None
) -> Json:
    """Return what the document ``Runs`` is given to tell which runs are wanted.

    :raises RequestRefused: there is no such state, or a time has no zone.
    """
    wanted: Json = {}
    if statuses is not None:
        wanted["statuses"] = [_status(status) for status in statuses]
        if not wanted["statuses"]:
            raise RequestRefused("statuses is empty", f"states: {', '.join(RunStatus)}")
    if job is not None:
        wanted["pipelineName"] = job
    if created_after is not None:
        wanted["createdAfter"] = _seconds(created_after)
    if created_before is not None:
        wanted["createdBefore"] = _seconds(created_before)
    return wanted


def _seconds(moment: datetime) -> float:
    if moment.tzinfo is None:
        raise RequestRefused(f"{moment} has no time zone", "give it one")
    return moment.timestamp()


def _status(status: RunStatus | str) -> RunStatus:
    try:
        return RunStatus(status)
    except ValueError:
        raise RequestRefused(f"{status!r} is not a state of a run", f"states: {', '.join(RunStatus)}") from None


def read_health(answer: Json) -> Health:
    """Return the answer to the document ``Health``."""
    statuses = [status for status in answer["instance"]["daemonHealth"]["allDaemonStatuses"] if status["required"]]
    entry = _location(answer) or {}
    return Health(
        version=answer["version"],
        code_problem=code_problem(answer),
        code_server_id=(entry.get("locationOrLoadError") or {}).get("serverId"),
        daemon_ids=tuple(status["daemonType"].lower() for status in statuses),
        silent_daemons=tuple(status["daemonType"].lower() for status in statuses if not status["healthy"]),
    )


def code_problem(answer: Json) -> str | None:
    """Return why runs cannot be launched yet; None when they can."""
    workspace = answer["workspaceOrError"]
    if workspace["__typename"] != "Workspace":
        return error_message(workspace)
    entry = _location(answer)
    if entry is None:
        return f"there is no code location {LOCATION}"
    loaded = entry["locationOrLoadError"]
    if loaded is None or entry["loadStatus"] != "LOADED":
        return f"{LOCATION} is still loading"
    return error_message(loaded) if loaded["__typename"] == "PythonError" else None


def code_is_broken(answer: Json) -> bool:
    """Return whether the code cannot be loaded, or its server has gone away; else it is loaded, or on its way."""
    loaded = (_location(answer) or {}).get("locationOrLoadError") or {}
    return "PythonError" in (answer["workspaceOrError"]["__typename"], loaded.get("__typename"))


def _location(answer: Json) -> Json | None:
    entries: list[Json] = answer["workspaceOrError"].get("locationEntries", [])
    return next((entry for entry in entries if entry["name"] == LOCATION), None)


def _step(key: str, stats: Json | None) -> Step:
    if stats is None:
        return Step(key)
    return Step(
        key,
        status=StepStatus(stats["status"]) if stats["status"] else StepStatus.NOT_STARTED,
        started_at=_time(stats["startTime"]),
        ended_at=_time(stats["endTime"]),
        attempts=len(stats["attempts"]),
    )


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
