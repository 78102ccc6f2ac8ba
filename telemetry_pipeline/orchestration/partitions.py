"""The partitions: one per day of the operator, today included; of reports, one per day, week or month."""

from __future__ import annotations

from datetime import date, datetime, time

import dagster as dg

from telemetry_pipeline.analyses.reports import Grain
from telemetry_pipeline.days import Period
from telemetry_pipeline.settings.loading import StackSettings


def daily_partitions(settings: StackSettings) -> dg.DailyPartitionsDefinition:
    """Return days in the operator's time zone, from FIRST_PARTITION to today."""
    return dg.DailyPartitionsDefinition(
        start_date=datetime.combine(settings.first_partition, time.min),
        timezone=settings.operator_timezone,
        end_offset=1,
    )


def partitions_of(grain: Grain, settings: StackSettings) -> dg.TimeWindowPartitionsDefinition:
    """Return the partitions of reports: days, ISO weeks or months from FIRST_PARTITION on, up to those of today."""
    begin, zone = datetime.combine(settings.first_partition, time.min), settings.operator_timezone
    if grain is Grain.WEEK:
        return dg.WeeklyPartitionsDefinition(start_date=begin, timezone=zone, day_offset=1, end_offset=1)
    if grain is Grain.MONTH:
        return dg.MonthlyPartitionsDefinition(start_date=begin, timezone=zone, end_offset=1)
    return daily_partitions(settings)


def days_of(context: dg.AssetExecutionContext) -> Period:
    """Return the days of a run, one or many."""
    keys = context.partition_key_range
    return Period(date.fromisoformat(keys.start), date.fromisoformat(keys.end))
