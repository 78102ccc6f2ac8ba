"""Analyses by channel: which are watched most, by whom, how long and when."""

from __future__ import annotations

import pandas as pd
import sqlalchemy as sa
from pydantic import Field

from telemetry_pipeline.analyses.registry import GeneralParameters, Period, analysis
from telemetry_pipeline.analyses.views import query
from telemetry_pipeline.warehouse.columns import Column

_CHANNEL = Column("channel", "text", "name of the channel at the time of the view", key=True)
_VIEWS = Column("views", "bigint", "views that have a duration", unit="views")
_WATCH_HOURS = Column("watch_hours", "double precision", "time watched", unit="hours")


class TopChannels(GeneralParameters):
    """Parameters of :func:`top_channels`."""

    limit: int = Field(default=20, ge=1, le=10_000, description="channels to list")


class PeakHours(GeneralParameters):
    """Parameters of :func:`peak_hours`."""

    channel: str | None = Field(default=None, min_length=1, description="only this channel; null for every channel")


_TOP_CHANNELS = """
select channel_name as channel,
       row_number() over (order by count(*) desc, channel_name collate "C") as rank,
       count(*) as views,
       100.0::double precision * count(*) / sum(count(*)) over ()::double precision as share_pct
from counted
where channel_name is not null
group by channel_name
order by rank
limit :limit
"""


@analysis(
    parameters=TopChannels,
    columns=(
        _CHANNEL,
        Column("rank", "bigint", "1 is the channel with most views; ties go by name"),
        _VIEWS,
        Column("share_pct", "double precision", "part of all views that have a channel", unit="percent"),
    ),
)
def top_channels(connection: sa.Connection, period: Period, parameters: TopChannels) -> pd.DataFrame:
    """Which channels have the most views?

    The first channels by number of views over the window, with their share of all views that have a channel,
    listed or not.
    """
    return query(connection, period, _TOP_CHANNELS, limit=parameters.limit)


_CHANNEL_AUDIENCE = """
select channel, unique_devices, unique_subscribers, views, seconds / 3600.0::double precision as watch_hours
from (
    select channel_name as channel, count(device_id) as unique_devices,
           sum(views)::bigint as views, sum(seconds) as seconds
    from (
        select channel_name, device_id, count(*) as views, sum(duration_seconds) as seconds
        from counted
        where channel_name is not null
        group by channel_name, device_id
    ) as by_device
    group by channel_name
) as devices
join (
    select channel_name as channel, count(subscriber_code) as unique_subscribers
    from (
        select distinct channel_name, subscriber_code from counted where channel_name is not null
    ) as by_subscriber
    group by channel_name
) as subscribers using (channel)
order by channel collate "C"
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        _CHANNEL,
        Column("unique_devices", "bigint", "devices with a view of the channel", unit="devices"),
        Column("unique_subscribers", "bigint", "subscribers with a view of the channel", unit="subscribers"),
        _VIEWS,
        _WATCH_HOURS,
    ),
)
def channel_audience(connection: sa.Connection, period: Period, parameters: GeneralParameters) -> pd.DataFrame:
    """How large is the audience of each channel?

    Reach in devices and subscribers, views and watch time of every channel of the window, by name.
    """
    return query(connection, period, _CHANNEL_AUDIENCE)


_PEAK_HOURS = """
select channel_name as channel, local_hour as hour, count(*) as views,
       row_number() over (partition by channel_name order by count(*) desc, local_hour) as rank
from counted
where channel_name is not null
  and (cast(:channel as text) is null or channel_name = :channel)
group by channel_name, local_hour
order by channel_name collate "C", rank
"""


@analysis(
    parameters=PeakHours,
    columns=(
        _CHANNEL,
        Column("hour", "bigint", "hour of the operator's day, 0 to 23, in which the view ended", key=True),
        _VIEWS,
        Column("rank", "bigint", "1 is the channel's hour with most views; ties go to the earlier hour"),
    ),
)
def peak_hours(connection: sa.Connection, period: Period, parameters: PeakHours) -> pd.DataFrame:
    """At which hours of the day is each channel watched most?

    The hours with views of every channel, or of one, over the window; each channel's strongest hour first.
    """
    return query(connection, period, _PEAK_HOURS, channel=parameters.channel)


_AVERAGE_DURATION = """
select channel_name as channel,
       sum(duration_seconds)::double precision / count(*) as average_seconds,
       count(*) as views,
       sum(duration_seconds) / 3600.0::double precision as watch_hours
from counted
where channel_name is not null
group by channel_name
order by average_seconds desc, channel_name collate "C"
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        _CHANNEL,
        Column("average_seconds", "double precision", "mean duration of a view", unit="seconds"),
        _VIEWS,
        _WATCH_HOURS,
    ),
)
def average_duration(connection: sa.Connection, period: Period, parameters: GeneralParameters) -> pd.DataFrame:
    """How long does a view of each channel last?

    Mean duration, views and watch time of every channel of the window; the longest mean first, ties by name.
    """
    return query(connection, period, _AVERAGE_DURATION)
