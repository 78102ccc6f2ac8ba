"""Whether schedules and sensors run until somebody switches them: where there is a warehouse that they could work with."""

from __future__ import annotations

import dagster as dg

from telemetry_pipeline.settings.loading import StackSettings


def of_schedules(settings: StackSettings) -> dg.DefaultScheduleStatus:
    """Return what a schedule is at first."""
    return dg.DefaultScheduleStatus.STOPPED if settings.database_url is None else dg.DefaultScheduleStatus.RUNNING


def of_sensors(settings: StackSettings) -> dg.DefaultSensorStatus:
    """Return what a sensor is at first."""
    return dg.DefaultSensorStatus.STOPPED if settings.database_url is None else dg.DefaultSensorStatus.RUNNING
