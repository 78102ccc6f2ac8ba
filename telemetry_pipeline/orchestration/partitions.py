"""The partitions: one per day of the operator, today included."""

from __future__ import annotations

from datetime import date, datetime, time

import dagster as dg

from telemetry_pipeline.days import Period
from telemetry_pipeline.settings.loading import StackSettings


def daily_partitions(settings: StackSettings) -> dg.DailyPartitionsDefinition:
    """Return days in the operator's time zone, from FIRST_PARTITION to today."""
    return dg.DailyPartitionsDefinition(
        start_date=datetime.combine(settings.first_partition, time.min),
        timezone=settings.operator_timezone,
        end_offset=1,
    )


def days_of(context: dg.AssetExecutionContext) -> Period:
    """Return the days of a run, one or many."""
    keys = context.partition_key_range
    return Period(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
