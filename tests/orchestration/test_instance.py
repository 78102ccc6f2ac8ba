"""Making runs with the instance of ``dagster.yaml``: what is refused leaves nothing, and a range is as quick as a day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml

from telemetry_pipeline.analyses.registry import steps
from telemetry_pipeline.client.launching.run_config import written
from telemetry_pipeline.days import today
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.settings.addresses import postgres_url
from telemetry_pipeline.settings.loading import Settings, StackSettings
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import problems

PROJECT = Path(__file__).parents[2]
PLANNED = dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED


@pytest.fixture
def settings(make_settings: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, database_url: str) -> Settings:
    """Those that every process finds."""
    found = make_settings(database_url=database_url, first_partition=date(2025, 1, 1))
    monkeypatch.setattr(StackSettings, "load", lambda: found)
    return found


@pytest.fixture
def instance(settings: Settings, another_database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    config = yaml.safe_load((PROJECT / "dagster.yaml").read_text())
    kept = {name: config[name] for name in ("instance_class", "telemetry")}
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(kept))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    monkeypatch.setenv("DAGSTER_DATABASE_URL", postgres_url(another_database_url, driver="psycopg2"))
    with dg.DagsterInstance.get() as found:
        yield found


def make(instance: dg.DagsterInstance, settings: Settings, job: str, tags: dict[str, str], **config: Any) -> dg.DagsterRun:
    definition = build_defs(settings).resolve_job_def(job)
    run_config = written(config, steps())
    return instance.create_run_for_job(definition, tags=tags, run_config=run_config)


def planned(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Counter[str]:
    """How many events say what a run is going to make of each asset."""
    records = instance.get_records_for_run(run.run_id, of_type=PLANNED).records
    keys = [record.event_log_entry.get_dagster_event().asset_key for record in records]
    return Counter(key.to_user_string() for key in keys if key)


def test_what_a_range_is_going_to_make_of_an_asset_is_one_event_however_long_it_is(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    last = today(settings.operator_zone)
    tags = {RANGE_START: settings.first_partition.isoformat(), RANGE_END: last.isoformat()}
    of_range = planned(instance, make(instance, settings, "telemetry_range", tags))
    assert len(of_range) > 30
    assert set(of_range.values()) == {1}
    of_day = planned(instance, make(instance, settings, "telemetry_range", {PARTITION: last.isoformat()}))
    assert of_day == of_range


def test_a_range_says_its_days_in_a_tag_that_the_list_of_runs_shows_and_filters_by(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    """Of Dagster's own tags the list shows the partition of a run of one day, and nothing of a range."""
    days = {RANGE_START: "2026-01-05", RANGE_END: "2026-01-07"}
    run = make(instance, settings, "telemetry_range", days)
    make(instance, settings, "telemetry_range", {PARTITION: "2026-01-05"})
    make(instance, settings, "telemetry_range", {RANGE_START: "2026-01-05", RANGE_END: "2026-01-05"})
    found = instance.get_runs(dg.RunsFilter(tags={"telemetry/days": "2026-01-05 to 2026-01-07"}))
    assert [each.run_id for each in found] == [run.run_id]
    assert len(instance.get_runs()) == 3
    assert sum("telemetry/days" in each.tags for each in instance.get_runs()) == 1


def test_a_run_that_is_refused_leaves_nothing_behind_and_says_why(instance: dg.DagsterInstance, settings: Settings) -> None:
    for tags, config, reason in (
        ({PARTITION: "2024-12-31"}, {}, "there is no partition 2024-12-31"),
        ({}, {}, "needs a partition"),
        ({RANGE_START: "2025-01-02", RANGE_END: "2025-01-01"}, {}, "before it"),
        ({PARTITION: "2025-01-01"}, {"top_channels": {"limit": 0}}, "limit"),
    ):
        with pytest.raises(dg.DagsterInvalidInvocationError, match=reason) as refused:
            make(instance, settings, "telemetry_range", tags, **config)
        assert isinstance(refused.value.__cause__, RequestRefused)
    assert instance.get_runs() == []
    assert problems.open_problems(connect(settings.database_url)) == []


def test_that_a_schedule_asks_for_what_cannot_be_is_told_until_it_does_so_no_more(
    instance: dg.DagsterInstance, settings: Settings
) -> None:
    engine, by = connect(settings.database_url), {"dagster/schedule_name": "telemetry_repair_schedule"}
    for _ in range(2):
        with pytest.raises(dg.DagsterInvalidInvocationError):
            make(instance, settings, "telemetry_range", {PARTITION: "2024-12-31", **by})
    [problem] = problems.open_problems(engine)
    assert problem.key == "refused:telemetry_repair_schedule"
    assert "there is no partition 2024-12-31" in problem.detail
    yesterday = today(settings.operator_zone) - timedelta(days=1)
    make(instance, settings, "telemetry_range", {PARTITION: yesterday.isoformat(), **by})
    assert problems.open_problems(engine) == []
