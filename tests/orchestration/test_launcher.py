"""How long a run may be at work: what the settings say unless the run itself does, and what becomes of a step beyond it."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import dagster as dg
import pytest
from dagster._core.launcher import LaunchRunContext

from telemetry_pipeline.errors import TimeLimitReached
from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.orchestration.runtime.cluster import steps
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.orchestration.runtime.launcher import PatientRunLauncher
from telemetry_pipeline.settings.loading import Settings, StackSettings

RUN_ID = "00000000-0000-4000-8000-000000000006"
SOFT, HARD = "telemetry/soft_time_limit", "dagster/max_runtime"
DEFAULT_SOFT = ".dagster/telemetry/soft_time_limit"


@pytest.fixture
def launched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Ids of the runs that reached Dagster's own launcher."""
    ids: list[str] = []
    monkeypatch.setattr(dg.DefaultRunLauncher, "launch_run", lambda self, context: ids.append(context.dagster_run.run_id))
    return ids


@pytest.fixture
def launch(
    make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, instance: dg.DagsterInstance
) -> Callable[[dict[str, str]], dict[str, str]]:
    """Launches a run with these tags and tells those that it has then."""
    settings = make_settings(run_soft_time_limit_minutes=50, run_time_limit_minutes=60)
    monkeypatch.setattr(StackSettings, "load", lambda: settings)
    monkeypatch.setattr(logs, "configure", lambda _: None)

    def launch(tags: dict[str, str]) -> dict[str, str]:
        run = instance.add_run(dg.DagsterRun(job_name="telemetry_range", run_id=RUN_ID, tags=tags))
        checked = PatientRunLauncher()
        checked.register_instance(instance)
        checked.launch_run(LaunchRunContext(dagster_run=run, workspace=None))
        stored = instance.get_run_by_id(RUN_ID)
        assert stored is not None
        return {name: stored.tags[name] for name in (DEFAULT_SOFT, SOFT, HARD) if name in stored.tags}

    return launch


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        pytest.param({}, {DEFAULT_SOFT: "3000", HARD: "3600"}, id="those of the settings"),
        pytest.param({SOFT: "10"}, {SOFT: "10", HARD: "3600"}, id="a soft limit of its own"),
        pytest.param({HARD: "20000"}, {DEFAULT_SOFT: "3000", HARD: "20000"}, id="a hard limit of its own"),
        pytest.param({SOFT: "10", HARD: "20"}, {SOFT: "10", HARD: "20"}, id="both of its own"),
    ],
)
def test_a_run_gets_the_time_limits_that_it_does_not_bring(
    launch: Callable[[dict[str, str]], dict[str, str]], launched: list[str], own: dict[str, str], expected: dict[str, str]
) -> None:
    assert launch({"dagster/partition": "2026-01-02", **own}) == expected
    assert launched == [RUN_ID]


def guard(instance: dg.DagsterInstance, tags: dict[str, str], started_ago: float | None) -> RunGuard:
    run = instance.add_run(dg.DagsterRun(job_name="telemetry_tick", run_id=RUN_ID, tags=tags))
    if started_ago is not None:
        began = dg.DagsterEvent(event_type_value="PIPELINE_START", job_name="telemetry_tick")
        instance.report_dagster_event(began, RUN_ID, timestamp=time.time() - started_ago)
    context: Any = SimpleNamespace(instance=instance, run=run)
    return RunGuard(context)


def test_a_step_beyond_the_soft_time_limit_of_its_run_stops_and_says_what_to_do(instance: dg.DagsterInstance) -> None:
    expected = f"run {RUN_ID} has been at work for 50 minutes, its limit; .* raise RUN_SOFT_TIME_LIMIT_MINUTES"
    with pytest.raises(TimeLimitReached, match=expected):
        guard(instance, {SOFT: "3000"}, started_ago=3001).check()


def test_a_limit_of_a_runs_own_counts_before_that_of_the_settings(instance: dg.DagsterInstance) -> None:
    guard(instance, {SOFT: "6000", DEFAULT_SOFT: "3000"}, started_ago=3001).check()


def test_the_limit_of_the_settings_counts_and_is_no_tag_that_people_see(instance: dg.DagsterInstance) -> None:
    assert DEFAULT_SOFT.startswith(".dagster/")
    with pytest.raises(TimeLimitReached):
        guard(instance, {DEFAULT_SOFT: "3000"}, started_ago=3001).check()


@pytest.mark.parametrize(
    ("tags", "started_ago"),
    [
        pytest.param({SOFT: "3000"}, 2900, id="within its limit"),
        pytest.param({}, 100_000, id="without a limit"),
        pytest.param({SOFT: "1"}, None, id="not begun"),
    ],
)
def test_a_step_within_the_soft_time_limit_of_its_run_goes_on(
    instance: dg.DagsterInstance, tags: dict[str, str], started_ago: float | None
) -> None:
    guard(instance, tags, started_ago).check()


def test_a_step_looks_at_its_run_at_most_twice_a_second(instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(time=time.time, monotonic=lambda: 100.0)
    monkeypatch.setattr(steps, "time", clock)
    looking = guard(instance, {SOFT: "3000"}, started_ago=2900)
    looking.check()
    clock.time = lambda: time.time() + 200
    clock.monotonic = lambda: 100.4
    looking.check()
    clock.monotonic = lambda: 100.6
    with pytest.raises(TimeLimitReached):
        looking.check()
