"""How far a run has come, as its events tell it. Pure: who reads the events feeds them in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.graphql import Json, error_message, metadata, one_line
from telemetry_pipeline.errors import ADVICE, FAILED


@dataclass(frozen=True)
class Observation:
    """What a step at work last said of itself; None: it did not say."""

    percent: float
    records: int | None = None
    total: int | None = None
    eta_seconds: float | None = None

    def __str__(self) -> str:
        if self.records is None:
            return f"{self.percent:.0f} %"
        return f"{self.records:,} records" if self.total is None else f"{self.records:,} of {self.total:,} records"


@dataclass
class Stored:
    """What a run stored of one asset.

    :ivar rows: of its partitions together, or what the run added, whichever the asset reports.
    :ivar facts: other whole numbers that the asset reports, by name.
    """

    partitions: set[str] = field(default_factory=set)
    rows: int | None = None
    facts: dict[str, int] = field(default_factory=dict)
    _partition_rows: dict[str, int] = field(default_factory=dict)

    def add(self, partition: str | None, values: Json) -> None:
        """Take in one materialization."""
        if partition is not None:
            self.partitions.add(partition)
        counts = {name: value for name, value in values.items() if type(value) is int}
        self.facts |= {name: count for name, count in counts.items() if "/" not in name}
        if "dagster/partition_row_count" in counts:
            self._partition_rows[partition or ""] = counts["dagster/partition_row_count"]
            self.rows = sum(self._partition_rows.values())
        elif not self._partition_rows:
            # In a run over a range every partition's event carries the count of the whole.
            self.rows = counts.get("dagster/row_count", counts.get("records_stored", self.rows))


class Failure(NamedTuple):
    """Why a step failed, or an asset that it makes beside others, or without a name the run itself; and what to do about it,
    where the error knew.
    """

    step: str | None
    message: str
    advice: str = ""


NO_REASON = Failure(None, "the run gave no reason")


@dataclass
class Progress:
    """A run as its events tell it so far; :meth:`TelemetryClient.refresh` reads on from where it stands.

    :ivar states: step to ``waiting``, ``running``, ``done``, ``skipped`` or ``failed``, in the plan's order.
    :ivar observations: what the steps last said of themselves.
    :ivar stored: what was materialized, by asset.
    :ivar seconds: how long each step has worked, all its attempts together, and on each of several assets that it makes.
    :ivar failures: in the order in which steps failed.
    """

    run_id: str = ""
    status: RunStatus = RunStatus.QUEUED
    states: dict[str, str] = field(default_factory=dict)
    observations: dict[str, Observation] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cursor: str | None = field(default=None, repr=False)
    planned: bool = field(default=False, repr=False)
    _started: dict[str, float] = field(default_factory=dict, repr=False)
    _split_at: dict[str, float] = field(default_factory=dict, repr=False)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status.ended

    @property
    def steps_total(self) -> int:
        """Steps there are; 0 until the run is planned."""
        return len(self.states)

    @property
    def steps_done(self) -> int:
        """Steps that succeeded, or had nothing to do."""
        return sum(state in ("done", "skipped") for state in self.states.values())

    @property
    def running(self) -> list[str]:
        """The steps at work."""
        return [step for step, state in self.states.items() if state == "running"]

    @property
    def percent(self) -> float:
        """How much of the run is done, 0 to 100; a step at work counts by what it says of itself."""
        if not self.states:
            return 0.0
        at_work = sum(observed.percent / 100 for observed in self._at_work)
        return 100.0 * (self.steps_done + at_work) / len(self.states)

    @property
    def records_read(self) -> int | None:
        """Records read so far, by the steps that count them."""
        return _sum(observed.records for observed in self.observations.values())

    @property
    def records_total(self) -> int | None:
        """Records to read, by the steps that know."""
        return _sum(observed.total for observed in self.observations.values())

    @property
    def eta_seconds(self) -> float | None:
        """How much longer the steps at work will take, as the slowest of those that know says."""
        known = [max(0.0, observed.eta_seconds) for observed in self._at_work if observed.eta_seconds is not None]
        return max(known, default=None)

    @property
    def message(self) -> str:
        """What the run is at: ``telemetry_records: 172,000 of 400,000 records``; of one that failed, why."""
        if not self.states and not self.ended:
            return "waiting to start"
        if self.status == RunStatus.FAILURE:
            first = self.failures[0] if self.failures else NO_REASON
            return f"{first.step} failed: {first.message}" if first.step else f"failed: {first.message}"
        if self.ended:
            return self.status.lower()
        if self.status == RunStatus.CANCELING:
            return "cancelling"
        if not self.running:
            waiting = {0: "starting", self.steps_total: "ending"}
            return waiting.get(self.steps_done, "waiting for the next step")
        observed = [f"{step}: {self.observations[step]}" for step in self.running if step in self.observations]
        return ", ".join([*observed, *(step for step in self.running if step not in self.observations)])

    def plan(self, steps: Iterable[str]) -> None:
        """Tell which steps there are, before events name them."""
        self.planned = True
        for step in steps:
            self.states.setdefault(step, "waiting")

    def feed(self, events: Iterable[Json]) -> None:
        """Take in events, oldest first."""
        for event in events:
            self._take(event)

    def take_notes(self) -> list[str]:
        """Return what is worth a line of its own since the last call."""
        notes, self.notes = self.notes, []
        return notes

    @property
    def _at_work(self) -> list[Observation]:
        return [self.observations[step] for step in self.running if step in self.observations]

    def _take(self, event: Json) -> None:
        step = event.get("stepKey")
        match event["__typename"]:
            case "ExecutionStepStartEvent" | "ExecutionStepRestartEvent" if step:
                self.states[step] = "running"
                self._started[step] = _at(event)
            case "ExecutionStepSuccessEvent" if step:
                self.states[step] = "done"
                self._stop(step, event)
            case "ExecutionStepSkippedEvent" if step:
                self.states[step] = "skipped"
            case "ExecutionStepUpForRetryEvent" if step:
                self.states[step] = "waiting"
                self._stop(step, event)
                if not _asked_to_go_on(event):
                    self.notes.append(f"{step} will be tried again{_in(event)}: {_failure_message(event)}")
            case "ExecutionStepFailureEvent" if step:
                self.states[step] = "failed"
                self._stop(step, event)
                self.failures += _failures(step, event)
            case "RunFailureEvent" if not self.failures:
                self.failures.append(Failure(None, _failure_message(event)))
            case "ObservationEvent":
                values = metadata(event["metadataEntries"])
                if "percent" in values:
                    self.observations[_asset(event)] = Observation(
                        percent=min(100.0, max(0.0, float(values["percent"]))),
                        records=values.get("records"),
                        total=values.get("total"),
                        eta_seconds=values.get("eta_seconds"),
                    )
            case "MaterializationEvent":
                self.stored.setdefault(_asset(event), Stored()).add(event.get("partition"), metadata(event["metadataEntries"]))
                if step in self._started and step != _asset(event):
                    self._split(step, _asset(event), _at(event))

    def _split(self, step: str, asset: str, at: float) -> None:
        """Take what a step did since it began, or made another asset, for the work on this one."""
        self.seconds[asset] = self.seconds.get(asset, 0.0) + at - self._split_at.get(step, self._started[step])
        self._split_at[step] = at

    def _stop(self, step: str, event: Json) -> None:
        self._split_at.pop(step, None)
        if step in self._started:
            self.seconds[step] = self.seconds.get(step, 0.0) + _at(event) - self._started.pop(step)


def _at(event: Json) -> float:
    """Return when an event happened, in seconds; it says milliseconds, as text."""
    return float(event["timestamp"]) / 1000


def _asset(event: Json) -> str:
    return "/".join(event["assetKey"]["path"])


def _failure_message(event: Json) -> str:
    if event.get("error"):
        return error_message(event["error"])
    described = (event.get("failureMetadata") or {}).get("description")
    return one_line(described or event.get("message") or "no message")


def _failures(step: str, event: Json) -> list[Failure]:
    """Return why a step failed; of one that makes several assets, why each of those did that failed."""
    told = metadata((event.get("failureMetadata") or {}).get("metadataEntries", []))
    parts = [label.partition("/")[2] for label in told if label.startswith(f"{FAILED}/")]
    if not parts:
        return [Failure(step, _failure_message(event), str(told.get(ADVICE, "")))]
    return [Failure(part, one_line(str(told[f"{FAILED}/{part}"])), str(told.get(f"{ADVICE}/{part}", ""))) for part in parts]


def _asked_to_go_on(event: Json) -> bool:
    """Return whether a step ended only to go on in a new one: nothing failed."""
    error = event.get("error")
    return error is None or (error["className"] == "RetryRequested" and not error["causes"])


def _in(event: Json) -> str:
    seconds = event.get("secondsToWait")
    return f" in {seconds:.0f} s" if seconds else ""


def _sum(counts: Iterable[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
