"""Puts the definitions together. What they are is said in the modules that this one imports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dagster as dg

from telemetry_pipeline.orchestration.assets import analyses, documents, telemetry
from telemetry_pipeline.orchestration.executor import build_executor
from telemetry_pipeline.orchestration.jobs import build_jobs
from telemetry_pipeline.orchestration.partitions import daily_partitions
from telemetry_pipeline.orchestration.resources import PanAccess, Warehouse
from telemetry_pipeline.orchestration.schedules import build_schedules
from telemetry_pipeline.orchestration.sensors import build_sensors
from telemetry_pipeline.settings import PipelineSettings


def build_defs(settings: PipelineSettings | None = None, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Everything Dagster is to know.

    :param settings: those of the environment when left out.
    :param resources: in place of the real ones of the same names, ``warehouse`` and ``panaccess``.
    :raises SettingsError: the settings cannot be used.
    """
    settings = settings or PipelineSettings.load()
    daily, jobs = daily_partitions(settings), build_jobs(settings)
    return dg.Definitions(
        assets=[asset for family in (telemetry, analyses, documents) for asset in family.build_assets(daily, settings)],
        jobs=jobs,
        schedules=build_schedules(settings),
        sensors=build_sensors(settings, jobs),
        executor=build_executor(settings),
        resources={"warehouse": Warehouse(settings), "panaccess": PanAccess(settings), **(resources or {})},
    )
