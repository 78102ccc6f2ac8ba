"""Analyses by channel: which are watched most, by whom, how long and when."""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    ACTIVE_DAYS,
    AVERAGE_SECONDS,
    CHANNEL,
    DURATION,
    HOUR,
    UNIQUE_DEVICES,
    UNIQUE_SUBSCRIBERS,
    VIEWS,
    VIEWS_PER_SUBSCRIBER,
    WATCH_HOURS,
    WATCH_HOURS_PER_SUBSCRIBER,
)

_SCORED = (*DURATION, "subscriber_code")


class TopChannels(GeneralParameters):
    """Parameters of :func:`top_channels`."""

    limit: int = Field(default=20, ge=1, le=10_000, description="channels to list")


class PeakHours(GeneralParameters):
    """Parameters of :func:`peak_hours`."""

    channel: str | None = Field(default=None, min_length=1, description="only this channel; null for every channel")


_TOP_CHANNELS = """
select channel_name as channel, row_number() over (order by count(*) desc, channel_name) as rank, count(*) as views,
       100 * count(*) / sum(count(*)) over () as share_pct
from counted
where channel_name is not null
group by channel_name
order by rank
limit $limit
"""


@analysis(
    parameters=TopChannels,
    base={"channel": "channel_name"},
    columns=(
        CHANNEL,
        Column("rank", "bigint", "1 is the channel with most views; ties go by name", of=("channel_name",), role="dimension"),
        VIEWS,
        Column("share_pct", "double precision", "part of all views that have a channel", unit="percent", of=("channel_name",)),
    ),
)
def top_channels(views: Views, parameters: TopChannels) -> pd.DataFrame:
    """Which channels have the most views?

    The first channels by number of views over the window, with their share of all views that have a channel,
    listed or not.
    """
    return views.query(_TOP_CHANNELS, limit=parameters.limit)


_CHANNEL_AUDIENCE = """
select channel_name as channel, count(distinct device_id) as unique_devices,
       count(distinct subscriber_code) as unique_subscribers, count(*) as views, sum(duration_seconds) / 3600 as watch_hours
from counted
where channel_name is not null
group by channel_name
order by channel_name
"""


@analysis(
    parameters=GeneralParameters,
    covers="channels",
    base="unique_subscribers",
    columns=(CHANNEL, UNIQUE_DEVICES, UNIQUE_SUBSCRIBERS, VIEWS, WATCH_HOURS),
)
def channel_audience(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How large is the audience of each channel?

    Reach in devices and subscribers, views and watch time of every channel of the window, by name.
    """
    return views.query(_CHANNEL_AUDIENCE)


_PEAK_HOURS = """
select channel_name as channel, local_hour as hour, count(*) as views,
       row_number() over (partition by channel_name order by count(*) desc, local_hour) as rank
from counted
where channel_name is not null and ($channel is null or channel_name::text = $channel)
group by channel_name, local_hour
order by channel_name, rank
"""


@analysis(
    parameters=PeakHours,
    base={"channel": "channel_name", "hour": "local_hour"},
    columns=(
        CHANNEL,
        HOUR,
        VIEWS,
        Column(
            "rank",
            "bigint",
            "1 is the channel's hour with most views; ties go to the earlier hour",
            of=("local_hour",),
            role="dimension",
        ),
    ),
)
def peak_hours(views: Views, parameters: PeakHours) -> pd.DataFrame:
    """At which hours of the day is each channel watched most?

    The hours in which views of every channel, or of one, ended over the window; each channel's strongest hour first.
    """
    return views.query(_PEAK_HOURS, channel=parameters.channel)


_AVERAGE_DURATION = """
select channel_name as channel, sum(duration_seconds) / count(*) as average_seconds, count(*) as views,
       sum(duration_seconds) / 3600 as watch_hours
from counted
where channel_name is not null
group by channel_name
order by average_seconds desc, channel_name
"""


@analysis(
    parameters=GeneralParameters,
    covers="channels",
    base={"channel": "channel_name"},
    columns=(CHANNEL, AVERAGE_SECONDS, VIEWS, WATCH_HOURS),
)
def average_duration(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How long does a view of each channel last?

    Mean duration, views and watch time of every channel of the window; the longest mean first, ties by name.
    """
    return views.query(_AVERAGE_DURATION)


_CHANNEL_PERFORMANCE = """
with channels as (
    select channel_name as channel, count(distinct device_id) as unique_devices,
           count(distinct subscriber_code) as unique_subscribers, count(*) as views,
           sum(duration_seconds) / 3600 as watch_hours, sum(duration_seconds) / count(*) as average_seconds,
           count(distinct local_date) as active_days
    from counted
    where channel_name is not null
    group by channel_name
),
scores as (
    select *, views / nullif(unique_subscribers, 0) as views_per_subscriber,
           watch_hours / nullif(unique_subscribers, 0) as watch_hours_per_subscriber,
           100 * views / max(views) over () as views_score,
           coalesce(100 * unique_subscribers / nullif(max(unique_subscribers) over (), 0), 0) as subscribers_score,
           coalesce(100 * watch_hours / nullif(max(watch_hours) over (), 0), 0) as watch_time_score,
           coalesce(100 * average_seconds / nullif(max(average_seconds) over (), 0), 0) as average_duration_score,
           (views_score + subscribers_score + watch_time_score + average_duration_score) / 4 as performance_score
    from channels
)
select *, row_number() over (order by performance_score desc, channel) as rank
from scores
order by rank
"""


@analysis(
    parameters=GeneralParameters,
    covers="channels",
    base="unique_subscribers",
    columns=(
        CHANNEL,
        UNIQUE_DEVICES,
        UNIQUE_SUBSCRIBERS,
        VIEWS,
        WATCH_HOURS,
        AVERAGE_SECONDS,
        ACTIVE_DAYS,
        VIEWS_PER_SUBSCRIBER,
        WATCH_HOURS_PER_SUBSCRIBER,
        Column("views_score", "double precision", "views against the channel with most", unit="points", of=DURATION),
        Column(
            "subscribers_score",
            "double precision",
            "subscribers against the channel with most",
            unit="points",
            of=UNIQUE_SUBSCRIBERS.of,
        ),
        Column("watch_time_score", "double precision", "watch time against the channel with most", unit="points", of=DURATION),
        Column(
            "average_duration_score",
            "double precision",
            "mean duration against the channel with the longest",
            unit="points",
            of=DURATION,
        ),
        Column("performance_score", "double precision", "mean of the four scores", unit="points", of=_SCORED),
        Column("rank", "bigint", "1 is the channel with the best performance; ties go by name", of=_SCORED, role="dimension"),
    ),
)
def channel_performance(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """Which channels do best, all things considered?

    Audience, watch time and loyalty of every channel of the window, and a score of 0 to 100 points each for views,
    subscribers, watch time and mean duration: 100 is the best channel, and the others have their share of what it has. The
    performance is the mean of the four; the best channel comes first.
    """
    return views.query(_CHANNEL_PERFORMANCE)
