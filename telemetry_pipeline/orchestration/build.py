"""Puts the definitions together. What they are is said in the modules that this one imports."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import dagster as dg

from telemetry_pipeline.orchestration.assets import analyses, documents, reports, telemetry
from telemetry_pipeline.orchestration.jobs import build_jobs
from telemetry_pipeline.orchestration.partitions import daily_partitions
from telemetry_pipeline.orchestration.resources import PanAccess, Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.executor import build_executor
from telemetry_pipeline.orchestration.schedules import build_schedules
from telemetry_pipeline.orchestration.sensors.freshness import build_freshness_sensor
from telemetry_pipeline.orchestration.sensors.late_data import build_late_data_sensor
from telemetry_pipeline.orchestration.sensors.lost_runs import build_lost_runs_sensor
from telemetry_pipeline.orchestration.sensors.reports import build_reports_sensor
from telemetry_pipeline.orchestration.sensors.run_ends import (
    build_run_failures_sensor,
    build_run_successes_sensor,
)
from telemetry_pipeline.settings.loading import StackSettings, told_without_a_trace


def load_defs() -> dg.Definitions:
    """Return what Dagster loads, by the settings of the environment.

    :raises SettingsError: they cannot be used.
    """
    with told_without_a_trace():
        return build_defs()


def build_defs(settings: StackSettings | None = None, resources: Mapping[str, Any] | None = None) -> dg.Definitions:
    """Return everything Dagster is to know.

    :param settings: those of the environment when left out.
    :param resources: in place of the real ones of the same names, ``warehouse`` and ``panaccess``.
    :raises SettingsError: the settings cannot be used.
    """
    settings = settings or StackSettings.load()
    daily, jobs = daily_partitions(settings), build_jobs(settings)
    with warnings.catch_warnings():
        # Three lines an asset, at each start of each process.
        warnings.simplefilter("ignore", dg.BetaWarning)
        assets = [asset for family in (telemetry, analyses, documents) for asset in family.build_assets(daily, settings)]
        assets += reports.build_assets(settings)
    return dg.Definitions(
        assets=assets,
        jobs=jobs,
        schedules=build_schedules(settings),
        sensors=[
            build_late_data_sensor(settings),
            build_lost_runs_sensor(settings, jobs),
            build_run_failures_sensor(settings),
            build_run_successes_sensor(settings),
            build_freshness_sensor(settings),
            build_reports_sensor(settings),
        ],
        executor=build_executor(settings),
        resources={"warehouse": Warehouse(settings), "panaccess": PanAccess(settings), **(resources or {})},
    )
