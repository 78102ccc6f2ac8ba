"""What a worker stores of an attempt at a step, when, and in how few transactions."""

# Annotations are values here: Dagster reads the type of the context from them.
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from telemetry_pipeline.errors import Superseded
from telemetry_pipeline.orchestration.runtime.cluster import attempts
from telemetry_pipeline.orchestration.runtime.cluster.attempts import AttemptInstance

PARTS = ("a", "b", "c")
SEEN: list[set[str]] = []


@dg.multi_asset(
    name="theme",
    specs=[dg.AssetSpec(part) for part in PARTS],
    check_specs=[dg.AssetCheckSpec("whole", asset=part) for part in PARTS],
)
def theme(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[Any]]:
    for part in PARTS:
        SEEN.append(materialized(context.instance))
        checks = [dg.AssetCheckResult(passed=True, check_name="whole", asset_key=part)]
        yield dg.MaterializeResult(asset_key=part, check_results=checks)


class Attempt:
    """Counts until so many parts were begun."""

    def __init__(self, parts: float = float("inf")) -> None:
        self._parts = parts

    def check(self) -> None:
        if len(SEEN) >= self._parts:
            raise Superseded("another one counts")


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AttemptInstance]:
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setattr("telemetry_pipeline.orchestration.runtime.instance.check_request", lambda *_, **__: None)
    SEEN.clear()
    with AttemptInstance.of_environment() as found:
        yield found


def execute(instance: AttemptInstance, attempt: Any) -> list[dg.DagsterEvent]:
    """Have the theme made as an attempt, and return its step's events as they are stored."""
    with instance.at_work_on(attempt):
        result = dg.materialize([theme], instance=instance, raise_on_error=False)
    entries = [entry.dagster_event for entry in instance.all_logs(result.run_id)]
    return [event for event in entries if event and event.step_key == "theme" and "PLANNED" not in event.event_type_value]


def materialized(instance: dg.DagsterInstance) -> set[str]:
    return {part for part in PARTS if instance.get_latest_materialization_event(dg.AssetKey(part))}


def test_parts_that_are_done_soon_are_stored_together_in_their_order(instance: AttemptInstance) -> None:
    events = execute(instance, Attempt())
    assert SEEN[1:] == [set(), set()]
    assert materialized(instance) == set(PARTS)
    of_parts = [event.event_type_value for event in events if event.event_type in attempts._OF_A_PART]
    assert of_parts == ["STEP_OUTPUT", "ASSET_MATERIALIZATION", "ASSET_CHECK_EVALUATION"] * 3
    [alone] = {event.event_type_value for event in events} - {*of_parts, "STEP_START"}
    assert alone == "STEP_SUCCESS", "with which the parts are stored"


def test_a_part_that_takes_long_is_stored_when_it_is_done(instance: AttemptInstance, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attempts, "_TOGETHER_SECONDS", 0.0)
    execute(instance, Attempt())
    before_each = [set(), {"a"}, {"a", "b"}]
    assert before_each == SEEN


def test_nothing_is_stored_of_an_attempt_that_does_not_count_any_more(instance: AttemptInstance) -> None:
    with pytest.raises(Superseded):
        execute(instance, Attempt(parts=3))
    [run] = instance.get_runs()
    later = [entry.dagster_event for entry in instance.all_logs(run.run_id)]
    assert not [event for event in later if event and event.event_type in attempts._OF_A_PART]
    assert materialized(instance) == set()
