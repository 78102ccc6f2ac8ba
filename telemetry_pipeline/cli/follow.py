"""Watching a run until it ends: what its events say so far, and cancelling it on Ctrl-C.

How that looks on a screen is in ``progress``.
"""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import Any, Protocol, Self

from telemetry_pipeline.cli.graphql import ENDED, DagsterApi, Json, error_message, metadata, one_line
from telemetry_pipeline.errors import StackError, TelemetryError

_POLL_SECONDS = 0.5
_SILENCE_SECONDS = 30.0
_TERMINATE_AGAIN_SECONDS = 2.0


@dataclass(frozen=True)
class Observation:
    """What a step at work last said of itself; None: it did not say."""

    percent: float
    records: int | None = None
    total: int | None = None
    eta_seconds: float | None = None


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


@dataclass
class RunProgress:
    """A run as its events tell it.

    :ivar states: step to ``waiting``, ``running``, ``done``, ``skipped`` or ``failed``, in the plan's order.
    :ivar observations: what the steps at work say of themselves.
    :ivar stored: what was materialized, by asset.
    :ivar seconds: how long each step has worked, all its attempts together.
    :ivar failures: step and message, in the order in which they failed; no step: the run itself.
    """

    status: str = "QUEUED"
    states: dict[str, str] = field(default_factory=dict)
    observations: dict[str, Observation] = field(default_factory=dict)
    stored: dict[str, Stored] = field(default_factory=dict)
    seconds: dict[str, float] = field(default_factory=dict)
    failures: list[tuple[str | None, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    _started: dict[str, float] = field(default_factory=dict)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.status in ENDED

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
        at_work = sum(self.observations[step].percent / 100 for step in self.running if step in self.observations)
        return 100.0 * (self.steps_done + at_work) / len(self.states)

    def plan(self, steps: Iterable[str]) -> None:
        """Tell which steps there are, before events name them."""
        for step in steps:
            self.states.setdefault(step, "waiting")

    def feed(self, events: Iterable[Json]) -> None:
        """Take in events, oldest first."""
        for event in events:
            self._take(event)

    def take_notes(self) -> list[str]:
        """What is worth a line of its own since the last call."""
        notes, self.notes = self.notes, []
        return notes

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
                self.failures.append((step, _failure_message(event)))
            case "RunFailureEvent" if not self.failures:
                self.failures.append((None, _failure_message(event)))
            case "ObservationEvent":
                values = metadata(event)
                if "percent" in values:
                    self.observations[_asset(event)] = Observation(
                        percent=min(100.0, max(0.0, float(values["percent"]))),
                        records=values.get("records"),
                        total=values.get("total"),
                        eta_seconds=values.get("eta_seconds"),
                    )
            case "MaterializationEvent":
                self.stored.setdefault(_asset(event), Stored()).add(event.get("partition"), metadata(event))

    def _stop(self, step: str, event: Json) -> None:
        if step in self._started:
            self.seconds[step] = self.seconds.get(step, 0.0) + _at(event) - self._started.pop(step)


class Display(Protocol):
    """Where progress is shown."""

    def update(self, progress: RunProgress) -> None:
        """Show how far the run has come."""

    def note(self, text: str) -> None:
        """Show a line that stays."""


class Interrupts:
    """While entered, the first Ctrl-C (or SIGTERM) is counted, and the second leaves with ``KeyboardInterrupt``."""

    _SIGNALS = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self._asked = threading.Event()
        self._previous: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        for number in self._SIGNALS:
            self._previous[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)

    @property
    def asked(self) -> bool:
        """Whether somebody asked to stop."""
        return self._asked.is_set()

    def pause(self, seconds: float) -> None:
        """Wait; less, when the first request to stop comes meanwhile."""
        if self.asked:
            time.sleep(seconds)
        else:
            self._asked.wait(seconds)

    def _handle(self, _signal: int, _frame: FrameType | None) -> None:
        if self.asked:
            raise KeyboardInterrupt("left while the run was being cancelled")
        self._asked.set()


def follow(api: DagsterApi, run_id: str, display: Display, interrupts: Interrupts, tend: Callable[[], None]) -> RunProgress:
    """Show a run's progress until it ended; when asked to stop, cancel it first.

    :param tend: called at each look at the run.
    :raises StackError: the webserver has been silent for half a minute.
    """
    progress = RunProgress()
    cursor: str | None = None
    silent_since: float | None = None
    terminated_at: float | None = None
    planned = False
    while True:
        tend()
        if interrupts.asked and (terminated_at is None or time.monotonic() > terminated_at + _TERMINATE_AGAIN_SECONDS):
            _cancel(api, run_id, display, first=terminated_at is None)
            terminated_at = time.monotonic()
        try:
            if not planned:
                planned = _plan(api, run_id, progress)
            page = api.events(run_id, cursor)
        except StackError:
            silent_since = silent_since or time.monotonic()
            if time.monotonic() - silent_since > _SILENCE_SECONDS:
                raise
            interrupts.pause(_POLL_SECONDS)
            continue
        silent_since = None
        progress.feed(page.events)
        cursor = page.cursor or cursor
        for note in progress.take_notes():
            display.note(note)
        if page.has_more:
            continue
        progress.status = page.status
        display.update(progress)
        if progress.ended:
            return progress
        interrupts.pause(_POLL_SECONDS)


def _plan(api: DagsterApi, run_id: str, progress: RunProgress) -> bool:
    run = api.run(run_id)
    if run is None or run["executionPlan"] is None:
        return False
    progress.plan(step["key"] for step in run["executionPlan"]["steps"])
    return True


def _cancel(api: DagsterApi, run_id: str, display: Display, *, first: bool) -> None:
    if first:
        display.note("cancelling the run; Ctrl-C again leaves it behind")
    try:
        api.terminate(run_id)
    except TelemetryError as err:
        # Between states (not yet started, already ending) a run cannot be stopped; it is asked again shortly.
        if not first:
            display.note(f"the run cannot be cancelled yet: {err}")


def _at(event: Json) -> float:
    """When an event happened, in seconds; it says milliseconds, as text."""
    return float(event["timestamp"]) / 1000


def _asset(event: Json) -> str:
    return "/".join(event["assetKey"]["path"])


def _failure_message(event: Json) -> str:
    if event.get("error"):
        return error_message(event["error"])
    described = (event.get("failureMetadata") or {}).get("description")
    return one_line(described or event.get("message") or "no message")


def _asked_to_go_on(event: Json) -> bool:
    """Whether a step ended only to go on in a new one: nothing failed."""
    error = event.get("error")
    return error is None or (error["className"] == "RetryRequested" and not error["causes"])


def _in(event: Json) -> str:
    seconds = event.get("secondsToWait")
    return f" in {seconds:.0f} s" if seconds else ""
