"""Ticks that take longer than from one to the next are a problem, until one takes less."""

from __future__ import annotations

import time
from datetime import datetime
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
import sqlalchemy as sa

from telemetry_pipeline.orchestration.sensors.pace import SLOW, interval_seconds, note_pace
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.operations import problems

MEXICO = ZoneInfo("America/Mexico_City")


def tick(instance: dg.DagsterInstance, began: float, seconds: float, job: str = "telemetry_tick") -> None:
    run_id = str(uuid4())
    instance.add_run(dg.DagsterRun(job_name=job, run_id=run_id))
    for kind, at in ((dg.DagsterEventType.RUN_START, began), (dg.DagsterEventType.RUN_SUCCESS, began + seconds)):
        instance.report_dagster_event(dg.DagsterEvent(kind.value, job_name=job), run_id, timestamp=at)


def test_ticks_that_are_slow_three_times_are_a_problem_until_one_is_not(engine: sa.Engine, tmp_path: Any) -> None:
    settings = StackSettings.load(telemetry_home=tmp_path, tick_cron="*/2 * * * *")
    now = time.time()

    def told(instance: dg.DagsterInstance) -> list[str]:
        note_pace(engine, instance, settings)
        return [problem.detail for problem in problems.open_problems(engine) if problem.key == SLOW]

    with dg.instance_for_test() as instance:
        assert told(instance) == []
        tick(instance, now - 900, 130)
        tick(instance, now - 700, 140)
        tick(instance, now - 600, 5_000, job="telemetry_range")
        assert told(instance) == [], "two may be of a moment"
        tick(instance, now - 500, 150)
        assert told(instance) == ["The last ones took 130, 140, 150 s; by TICK_CRON there is one every 120 s."]
        tick(instance, now - 300, 119)
        assert told(instance) == []


@pytest.mark.parametrize(
    ("cron", "after", "seconds"),
    [
        ("*/2 * * * *", datetime(2026, 1, 3, 12, 0, 30), 120),
        ("@hourly", datetime(2026, 1, 3, 12, 0, 30), 3_600),
        ("30 4 * * *", datetime(2026, 1, 3, 4, 30, 0), 86_400),
        ("*/10 8-20 * * *", datetime(2026, 1, 3, 20, 41), 11 * 3600 + 10 * 60),
    ],
)
def test_the_interval_is_that_of_the_schedule(cron: str, after: datetime, seconds: float) -> None:
    assert interval_seconds(cron, after.replace(tzinfo=MEXICO).timestamp(), MEXICO) == seconds
