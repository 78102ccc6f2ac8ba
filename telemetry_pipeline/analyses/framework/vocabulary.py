"""Columns that several analyses have: one name, one meaning, one unit."""

from __future__ import annotations

from telemetry_pipeline.analyses.framework.columns import Column

DURATION = ("duration_seconds",)
PLAYING = ("ended_at", *DURATION)
SUBSCRIBERS_PLAYING = ("subscriber_code", *PLAYING)

CHANNEL = Column("channel", "text", "name of the channel at the time of the view", key=True, of=("channel_name",))
SUBSCRIBER = Column("subscriber_code", "text", "code of the subscriber", key=True, of=("subscriber_code",))
DATE = Column("date", "date", "the operator's day in which the views ended", key=True, of=("local_date",))
HOUR = Column(
    "hour",
    "bigint",
    "hour of the operator's day, 0 to 23, in which the view ended",
    key=True,
    of=("local_hour",),
    role="time",
)
PERIOD_START = Column(
    "period_start", "date", "the day, the week's Monday or the first of the month", key=True, of=("local_date",)
)

VIEWS = Column("views", "bigint", "views that have a duration", unit="views", of=DURATION)
WATCH_HOURS = Column("watch_hours", "double precision", "time watched", unit="hours", of=DURATION)
AVERAGE_SECONDS = Column("average_seconds", "double precision", "mean duration of a view", unit="seconds", of=DURATION)
UNIQUE_SUBSCRIBERS = Column(
    "unique_subscribers", "bigint", "different subscribers with a view", unit="subscribers", of=("subscriber_code",)
)
UNIQUE_DEVICES = Column("unique_devices", "bigint", "different devices with a view", unit="devices", of=("device_id",))
UNIQUE_CHANNELS = Column(
    "unique_channels", "bigint", "different channels with a view, by name", unit="channels", of=("channel_name",)
)
ACTIVE_DAYS = Column("active_days", "bigint", "days with a view", unit="days", of=("local_date",))
VIEWS_PER_SUBSCRIBER = Column(
    "views_per_subscriber",
    "double precision",
    "all views by the number of different subscribers; null without any",
    unit="views",
    of=("subscriber_code",),
)
WATCH_HOURS_PER_SUBSCRIBER = Column(
    "watch_hours_per_subscriber",
    "double precision",
    "all watch time by the number of different subscribers; null without any",
    unit="hours",
    of=(*DURATION, "subscriber_code"),
)
