"""What a worker stores of an attempt at a step, and when."""

# Annotations are values here: Dagster reads the type of the context from them.
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from orchestration_harness import STORAGE

from telemetry_pipeline.errors import Superseded
from telemetry_pipeline.orchestration.runtime.cluster.attempts import AttemptInstance

PARTS = ("a", "b", "c")
SEEN: list[set[str]] = []
OF_PARTS = (dg.DagsterEventType.STEP_OUTPUT, dg.DagsterEventType.ASSET_MATERIALIZATION)


@dg.multi_asset(
    name="theme",
    specs=[dg.AssetSpec(part) for part in PARTS],
    check_specs=[dg.AssetCheckSpec("whole", asset=part, blocking=part == "a") for part in PARTS],
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
def instance(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AttemptInstance]:
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump({"storage": STORAGE, "telemetry": {"enabled": False}}))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", database_url.replace("postgresql://", "postgresql+psycopg2://"))
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


def test_a_part_is_stored_when_it_is_done_whatever_the_others_take(instance: AttemptInstance) -> None:
    events = execute(instance, Attempt())
    before_each = [set(), {"a"}, {"a", "b"}]
    assert before_each == SEEN
    assert materialized(instance) == set(PARTS)
    made, checked = ["STEP_OUTPUT", "ASSET_MATERIALIZATION"], "ASSET_CHECK_EVALUATION"
    of_parts = [event.event_type_value for event in events[1:-1]]
    assert of_parts == [*made, "STEP_OUTPUT", checked, *made, checked, *made, checked]


def test_what_could_not_be_stored_fails_the_step_and_takes_nothing_else_with_it(
    instance: AttemptInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = instance.event_log_storage.store_event
    refused: list[str] = []

    def refuse_once(event: dg.EventLogEntry) -> None:
        told = event.dagster_event
        if not refused and told and told.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            refused.append(told.event_type_value)
            raise ConnectionError("PostgreSQL went away")
        really(event)

    monkeypatch.setattr(instance.event_log_storage, "store_event", refuse_once)
    events = execute(instance, Attempt())
    assert [event.event_type_value for event in events][:3] == ["STEP_START", "STEP_OUTPUT", "STEP_FAILURE"]
    assert materialized(instance) == set()


def test_nothing_is_stored_of_an_attempt_that_does_not_count_any_more(instance: AttemptInstance) -> None:
    with pytest.raises(Superseded):
        execute(instance, Attempt(parts=1))
    [run] = instance.get_runs()
    later = [entry.dagster_event for entry in instance.all_logs(run.run_id)]
    assert not [event for event in later if event and event.event_type in OF_PARTS]
    assert materialized(instance) == set()
