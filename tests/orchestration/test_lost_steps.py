"""A step whose worker or broker is gone is submitted again, not waited for until the visibility timeout."""

from __future__ import annotations

from typing import Any

import pytest

from telemetry_pipeline.orchestration.lost_steps import LOOK_SECONDS, StepLost, StepWatch, WatchedResult


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Result:
    """What Celery gives for a submitted task."""

    def __init__(self) -> None:
        self.done = False

    def ready(self) -> bool:
        return self.done

    def get(self) -> list[str]:
        return ["events"]


class Cluster:
    """Submits steps, and knows which ones are in a queue or with a worker; None: nobody answers."""

    def __init__(self) -> None:
        self.known: set[str] | None = set()
        self.clock = Clock()
        self.watch = StepWatch(lambda: self.known, self.clock)
        self.submitted: list[Result] = []
        self.warnings: list[str] = []

    def submit(self) -> Any:
        self.submitted.append(Result())
        return self.submitted[-1]

    def begin(self, step: str = "merge") -> WatchedResult:
        return WatchedResult(step, self.submit, self.watch, self.warnings.append)

    def pass_time(self, result: WatchedResult, looks: int) -> None:
        for _ in range(looks):
            self.clock.now += LOOK_SECONDS
            result.ready()


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_a_step_that_nobody_has_twice_in_a_row_is_submitted_again(cluster: Cluster) -> None:
    result = cluster.begin()
    cluster.pass_time(result, 1)
    assert len(cluster.submitted) == 1
    cluster.pass_time(result, 1)
    assert len(cluster.submitted) == 2
    assert "merge got lost" in cluster.warnings[0]
    cluster.submitted[-1].done = True
    assert result.ready()
    assert result.get() == ["events"]


@pytest.mark.parametrize("known", [{"merge"}, None], ids=["somebody has it", "nobody answers"])
def test_a_step_is_not_lost_while(cluster: Cluster, known: set[str] | None) -> None:
    cluster.known = known
    cluster.pass_time(cluster.begin(), 10)
    assert len(cluster.submitted) == 1


def test_a_look_that_finds_it_again_begins_the_count_anew(cluster: Cluster) -> None:
    result = cluster.begin()
    for known in (set(), {"merge"}, set(), {"merge"}):
        cluster.known = known
        cluster.pass_time(result, 1)
    assert len(cluster.submitted) == 1


def test_a_step_just_submitted_has_time_to_arrive_although_another_is_looked_for(cluster: Cluster) -> None:
    old = cluster.begin("sync")
    cluster.pass_time(old, 1)
    cluster.clock.now += 1
    new = cluster.begin("merge")
    cluster.known = {"sync"}
    cluster.pass_time(old, 1)
    assert not new.ready()
    assert len(cluster.submitted) == 2


def test_a_step_that_gets_lost_three_times_fails_its_run(cluster: Cluster) -> None:
    result = cluster.begin()
    cluster.pass_time(result, 6)
    assert len(cluster.submitted) == 3
    assert result.ready()
    with pytest.raises(StepLost, match="merge got lost 3 times"):
        result.get()
