"""Who is told, and from when on something is wrong."""

from __future__ import annotations

from pydantic import BaseModel, Field, SecretStr

from telemetry_pipeline.settings.values import Minutes, Percent


class AlertSettings(BaseModel):
    """Who is told, and from when on something is wrong."""

    alert_urls: SecretStr = Field(
        default=SecretStr(""),
        description="Who is told when something breaks, and when it is mended: addresses of Apprise "
        "(https://appriseit.com), separated by spaces, such as "
        "mailtos://user:password@smtp.example.com:587?to=operator@example.com or "
        "slack://TokenA/TokenB/TokenC. Empty: nobody.",
    )
    freshness_minutes: Minutes = Field(
        default=30, description="After how many minutes without a new record, although ticks succeed, somebody is told."
    )
    heartbeat_minutes: Minutes = Field(
        default=10,
        description="How many minutes after the last sync that was committed somebody is told that ticks have stopped.",
    )
    max_rejected_pct: Percent = Field(
        default=1.0, description="How many per cent of a day's records may be rejected without a warning."
    )
    max_unnamed_pct: Percent = Field(
        default=20.0, description="How many per cent of a day's views may lack their channel's name without a warning."
    )
    long_view_hours: float = Field(
        default=12.0, gt=0, description="How many hours make a view a long one, such as of a box that was left on."
    )
    max_long_view_pct: Percent = Field(
        default=25.0,
        description="How many per cent of the watch time may lie beyond that without a warning, where VIEW_CAP_HOURS cuts"
        " nothing.",
    )
