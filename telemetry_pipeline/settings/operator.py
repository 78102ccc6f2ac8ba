"""The operator's days, and what of a view counts."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

from pydantic import BaseModel, Field, ValidationInfo, field_validator

from telemetry_pipeline.days import today
from telemetry_pipeline.settings.values import TimeZone, ViewCap


class OperatorSettings(BaseModel):
    """The operator's days, and what of a view counts."""

    operator_timezone: TimeZone = Field(
        default="America/Mexico_City",
        description="The time zone of the operator's days and hours. Once records are stored, `telemetry-pipeline adopt` "
        "changes it with them.",
    )
    first_partition: date = Field(
        default=date(2025, 1, 1),
        description="The first day that can be repaired, analysed or shown; older records are stored all the same.",
    )
    view_cap_hours: ViewCap | None = Field(
        default=None,
        description="How many hours of one view count at most, for boxes that are left on: 4, say; auto: as many as "
        "nearly all views of the same channel and time of day have, at least 4. Empty: all of them.",
    )
    small_base_subscribers: int = Field(
        default=30, ge=1, description="Figures from fewer subscribers than this are marked as of a small base."
    )

    @field_validator("first_partition")
    @classmethod
    def _has_begun(cls, first: date, info: ValidationInfo) -> date:
        zone = info.data.get("operator_timezone")
        if zone and first > today(ZoneInfo(zone)):
            raise ValueError("expected a day that has begun")
        return first

    @property
    def operator_zone(self) -> ZoneInfo:
        """The time zone that local dates and hours are of."""
        return ZoneInfo(self.operator_timezone)
