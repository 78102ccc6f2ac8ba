"""When jobs run by themselves, and how long what they make is kept."""

from __future__ import annotations

from pydantic import BaseModel, Field

from telemetry_pipeline.settings.values import Cron, Days


class ScheduleSettings(BaseModel):
    """When jobs run by themselves, and how long what they make is kept."""

    tick_cron: Cron = Field(
        default="*/2 * * * *",
        description="When new telemetry is synchronised, merged and analysed: minute, hour, day of month, month, day of "
        "week, where the operator is; or @hourly, @daily and so on.",
    )
    repair_cron: Cron = Field(
        default="0 2 * * *", description="When the last days are read again, so that what is missing is stored."
    )
    repair_days: Days = Field(default=3, description="How many days that are; today is not one of them.")
    merge_cron: Cron = Field(default="15 */6 * * *", description="When the views of the last days are merged anew.")
    merge_days: Days = Field(default=3, description="How many days that are; today is one of them.")
    cleanup_cron: Cron = Field(
        default="30 4 * * *", description="When what nobody needs any more is deleted: old results, runs, events."
    )
    result_retention_days: Days = Field(
        default=30,
        description="How many days a stored result is kept that nobody asks for; the newest of each day stays for good.",
    )
    run_retention_days: Days = Field(
        default=14,
        description="How many days a run and its events are kept; those that hold a partition's latest materialization "
        "stay for good.",
    )
    tick_retention_days: Days = Field(
        default=2,
        description="How many days a tick that succeeded is kept; there are 720 a day, each with a megabyte of events.",
    )
    audit_retention_days: Days = Field(
        default=365, description="How many days it is kept who logged in and who changed what at the front door."
    )
