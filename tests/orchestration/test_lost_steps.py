"""A step whose worker or broker is gone is not waited for until the visibility timeout; no error of it leaves its result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import dagster as dg
import pytest
from celery.exceptions import TaskRevokedError, TimeLimitExceeded, WorkerLostError
from dagster._core.execution.plan.objects import StepSuccessData
from dagster_shared.serdes import serialize_value

from telemetry_pipeline.errors import CodeDiffers, StepInterrupted, StepLost, WarehouseUnavailable
from telemetry_pipeline.orchestration.runtime.cluster.lost_steps import LOOK_SECONDS, StepWatch, Turns, WatchedResult

SUCCEEDED = [
    serialize_value(dg.DagsterEvent(dg.DagsterEventType.STEP_START.value, "toil", step_key="merge")),
    serialize_value(
        dg.DagsterEvent(
            dg.DagsterEventType.STEP_SUCCESS.value, "toil", step_key="merge", event_specific_data=StepSuccessData(1.0)
        )
    ),
]


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Result:
    """What Celery gives for a submitted task."""

    def __init__(self) -> None:
        self.done = False
        self.answer: Any = SUCCEEDED

    def ready(self) -> bool:
        return self.done

    def get(self, propagate: bool = True) -> Any:
        if propagate and isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


class Cluster:
    """Submits steps, and knows which ones are in a queue or with a worker; None: nobody answers."""

    def __init__(self) -> None:
        self.known: set[str] | None = set()
        self.clock = Clock()
        self.watch = StepWatch(lambda: self.known, self.clock)
        self.turns = Turns()
        self.submitted: list[Result] = []
        self.errors: list[Exception] = []

    def submit(self) -> Any:
        self.submitted.append(Result())
        return self.submitted[-1]

    def begin(self, step: str = "merge") -> WatchedResult:
        return WatchedResult(step, self.submit, self.watch, self.conclude, self.turns)

    def conclude(self, error: Exception) -> list[str]:
        self.errors.append(error)
        return ["what follows"]

    def pass_time(self, result: WatchedResult, looks: int) -> None:
        for _ in range(looks):
            self.clock.now += LOOK_SECONDS
            result.ready()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_a_step_that_nobody_has_twice_in_a_row_is_lost(cluster: Cluster) -> None:
    result = cluster.begin()
    cluster.pass_time(result, 1)
    assert not result.ready()
    cluster.pass_time(result, 1)
    assert result.ready()
    assert result.get() == ["what follows"]
    [error] = cluster.errors
    assert isinstance(error, StepLost)


@pytest.mark.parametrize("known", [{"merge"}, None], ids=["somebody has it", "nobody answers"])
def test_a_step_is_not_lost_while(cluster: Cluster, known: set[str] | None) -> None:
    cluster.known = known
    result = cluster.begin()
    cluster.pass_time(result, 10)
    assert not result.ready()


def test_a_look_that_finds_it_again_begins_the_count_anew(cluster: Cluster) -> None:
    result = cluster.begin()
    for known in (set(), {"merge"}, set(), {"merge"}):
        cluster.known = known
        cluster.pass_time(result, 1)
    assert not result.ready()


def test_a_step_just_submitted_has_time_to_arrive_although_another_is_looked_for(cluster: Cluster) -> None:
    old = cluster.begin("sync")
    cluster.pass_time(old, 1)
    cluster.clock.now += 1
    new = cluster.begin("merge")
    cluster.known = {"sync"}
    cluster.pass_time(old, 1)
    assert not new.ready()


def refuse() -> Any:
    raise ConnectionError("the broker is full")


def test_a_step_that_cannot_be_submitted_says_so(cluster: Cluster) -> None:
    result = WatchedResult("merge", refuse, cluster.watch, cluster.conclude, cluster.turns)
    assert result.ready()
    assert result.get() == ["what follows"]
    assert "broker is full" in str(cluster.errors)
    result.revoke()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (WorkerLostError("signal 9"), WorkerLostError),
        (TimeLimitExceeded(1800), TimeLimitExceeded),
        (RuntimeError("the backend"), RuntimeError),
        (SystemExit(15), StepInterrupted),
        (KeyboardInterrupt(), StepInterrupted),
        (["{"], CodeDiffers),
        ([serialize_value(StepSuccessData(1.0))], CodeDiffers),
        (SUCCEEDED[:1], CodeDiffers),
        (None, CodeDiffers),
    ],
    ids=["lost", "limit", "backend", "exit", "interrupt", "garbage", "another kind", "no end", "nothing"],
)
def test_whatever_a_task_brings_becomes_events_of_its_step(cluster: Cluster, answer: Any, error: type[Exception]) -> None:
    """An error out of ``get`` has Dagster's loop spin while other steps wait."""
    result = cluster.begin()
    cluster.submitted[-1].answer = answer
    cluster.submitted[-1].done = True
    assert result.ready()
    assert result.get() == ["what follows"]
    assert isinstance(cluster.errors[0], error)


@pytest.mark.parametrize("answer", [SUCCEEDED, []], ids=["events", "none: its run has ended"])
def test_the_events_of_a_step_are_handed_on(cluster: Cluster, answer: list[str]) -> None:
    result = cluster.begin()
    cluster.submitted[-1].answer = answer
    assert not result.ready()
    cluster.submitted[-1].done = True
    assert result.ready()
    assert result.get() == answer
    assert cluster.errors == []


def test_an_end_that_cannot_be_noted_is_noted_later(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL is away, too: the run waits for it."""
    result = cluster.begin()
    cluster.submitted[-1].answer = WorkerLostError("signal 9")
    cluster.submitted[-1].done = True
    conclude: Callable[[Exception], list[str]] = cluster.conclude

    def away(error: Exception) -> list[str]:
        raise WarehouseUnavailable("away")

    monkeypatch.setattr(result, "_conclude", away)
    assert not result.ready()
    monkeypatch.setattr(result, "_conclude", conclude)
    assert result.ready()
    assert result.get() == ["what follows"]


def test_a_revoked_step_is_left_to_dagster(cluster: Cluster) -> None:
    result = cluster.begin()
    cluster.submitted[-1].answer = TaskRevokedError("revoked")
    cluster.submitted[-1].done = True
    assert result.ready()
    with pytest.raises(TaskRevokedError):
        result.get()


def test_steps_of_a_run_that_nobody_waits_for_are_with_the_workers_one_after_the_other(cluster: Cluster) -> None:
    """A rebuild of minutes leaves a child of the worker to the ticks."""
    cluster.turns = Turns(1)
    first, second = cluster.begin("general"), cluster.begin("audience")
    assert (first.ready(), second.ready()) == (False, False)
    cluster.pass_time(second, 3)
    assert len(cluster.submitted) == 1, "and one that was not submitted is not lost"
    cluster.submitted[0].done = True
    assert first.ready()
    assert not second.ready()
    cluster.submitted[1].done = True
    assert second.ready()
    assert second.get() == SUCCEEDED


def test_a_step_whose_turn_has_not_come_is_taken_back_with_its_run(cluster: Cluster) -> None:
    cluster.turns = Turns(1)
    cluster.begin("general")
    waiting = cluster.begin("audience")
    waiting.revoke()
    assert waiting.ready()
    with pytest.raises(TaskRevokedError):
        waiting.get()
    assert len(cluster.submitted) == 1
