"""The channels and the subscribers that a period belonged to."""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import PeriodParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    ACTIVE_DAYS,
    AVERAGE_SECONDS,
    CHANNEL,
    SUBSCRIBER,
    UNIQUE_CHANNELS,
    UNIQUE_DEVICES,
    UNIQUE_SUBSCRIBERS,
    VIEWS,
    VIEWS_PER_SUBSCRIBER,
    WATCH_HOURS,
    WATCH_HOURS_PER_SUBSCRIBER,
)


class PeriodChannels(PeriodParameters):
    """Parameters of :func:`period_channels`."""

    top_n: int = Field(default=20, ge=1, le=10_000, description="channels to list")


class PeriodSubscribers(PeriodParameters):
    """Parameters of :func:`period_subscribers`."""

    top_n: int = Field(default=50, ge=1, le=10_000, description="subscribers to list")


_PERIOD_CHANNELS = """
select channel_name as channel, count(*) as views, count(distinct subscriber_code) as unique_subscribers,
       count(distinct device_id) as unique_devices, sum(duration_seconds) / 3600 as watch_hours,
       sum(duration_seconds) / count(*) as average_seconds, count(distinct local_date) as active_days,
       100 * count(*) / sum(count(*)) over () as share_pct,
       count(*) / nullif(count(distinct subscriber_code), 0) as views_per_subscriber,
       sum(duration_seconds) / 3600 / nullif(count(distinct subscriber_code), 0) as watch_hours_per_subscriber
from counted
where channel_name is not null
group by channel_name
order by views desc, channel_name
limit $top_n
"""


@analysis(
    theme="period",
    parameters=PeriodChannels,
    base="unique_subscribers",
    columns=(
        CHANNEL,
        VIEWS,
        UNIQUE_SUBSCRIBERS,
        UNIQUE_DEVICES,
        WATCH_HOURS,
        AVERAGE_SECONDS,
        ACTIVE_DAYS,
        Column("share_pct", "double precision", "part of all views that have a channel", unit="percent", of=("channel_name",)),
        VIEWS_PER_SUBSCRIBER,
        WATCH_HOURS_PER_SUBSCRIBER,
    ),
)
def period_channels(views: Views, parameters: PeriodChannels) -> pd.DataFrame:
    """Which channels did the period belong to?

    The channels with most views, ties by name, with audience, watch time and figures per subscriber. ``share_pct`` is of
    all views that have a channel, listed or not.
    """
    return views.query(_PERIOD_CHANNELS, top_n=parameters.top_n)


_PERIOD_SUBSCRIBERS = """
with top as (
    select subscriber_code from counted where subscriber_code is not null
    group by subscriber_code order by count(*) desc, subscriber_code limit $top_n
)
select subscriber_code, count(*) as views, count(distinct channel_name) as unique_channels,
       count(distinct device_id) as unique_devices, sum(duration_seconds) / 3600 as watch_hours,
       sum(duration_seconds) / count(*) as average_seconds, count(distinct local_date) as active_days,
       min(local_date) as first_date, max(local_date) as last_date,
       100 * count(distinct local_date) / $days as activity_pct,
       count(*) / count(distinct local_date) as views_per_active_day
from counted semi join top using (subscriber_code)
group by subscriber_code
order by views desc, subscriber_code
"""


@analysis(
    theme="period",
    parameters=PeriodSubscribers,
    columns=(
        SUBSCRIBER,
        VIEWS,
        UNIQUE_CHANNELS,
        UNIQUE_DEVICES,
        WATCH_HOURS,
        AVERAGE_SECONDS,
        ACTIVE_DAYS,
        Column("first_date", "date", "first day of the period with a view", of=("local_date",)),
        Column("last_date", "date", "last day of the period with a view", of=("local_date",)),
        Column("activity_pct", "double precision", "active days of the period's days", unit="percent", of=("local_date",)),
        Column("views_per_active_day", "double precision", "views per active day", unit="views", of=("local_date",)),
    ),
)
def period_subscribers(views: Views, parameters: PeriodSubscribers) -> pd.DataFrame:
    """Who watched most in the period?

    The subscribers with most views, ties by code; when they were active is counted in calendar days.
    """
    return views.query(_PERIOD_SUBSCRIBERS, top_n=parameters.top_n, days=views.period.length)
