"""How active subscribers are: all of them, the most active, and how many on each day."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    DATE,
    DURATION,
    SUBSCRIBER,
    WATCH_HOURS,
)
from telemetry_pipeline.words import stored


class TopSubscribers(GeneralParameters):
    """Parameters of :func:`top_subscribers`."""

    limit: int = Field(default=10, ge=1, le=10_000, description="subscribers to list in each ranking")


_SUBSCRIBER_OVERVIEW = """
with viewers as materialized (
    select subscriber_code, count(*) as views, sum(duration_seconds) as seconds,
           count(distinct channel_name) as channels, count(distinct device_id) as devices, count(distinct local_date) as days
    from counted
    where subscriber_code is not null
    group by subscriber_code
),
whole as (
    select count(*) as subscribers, nullif(subscribers, 0) as divisor, coalesce(sum(views), 0) as views,
           coalesce(sum(seconds), 0) / 3600 as watch_hours, sum(channels) as channels, sum(devices) as devices,
           sum(days) as days, count(*) filter (days > 1) as retained
    from viewers
),
ranked as (select seconds, ntile(5) over (order by seconds, subscriber_code) as fifth from viewers),
quintiles as (
    select fifth, name, count(seconds) as subscribers, coalesce(sum(seconds), 0) / 3600 as watch_hours,
           min(seconds) / 3600 as min_watch_hours, max(seconds) / 3600 as max_watch_hours
    from (values {quintiles}) as names (fifth, name)
    left join ranked using (fifth)
    group by fifth, name
),
metrics as (
    select 0 as part, position, section, metric, value, unit
    from whole, lateral (
        values (1, 'period', 'days_in_period', $days, 'days'),
               (2, 'total', 'subscribers', subscribers, 'subscribers'),
               (3, 'total', 'views', views, 'views'),
               (4, 'total', 'watch_hours', watch_hours, 'hours'),
               (5, 'mean', 'views', views / divisor, 'views'),
               (6, 'mean', 'watch_hours', watch_hours / divisor, 'hours'),
               (7, 'mean', 'unique_channels', channels / divisor, 'channels'),
               (8, 'mean', 'unique_devices', devices / divisor, 'devices'),
               (9, 'mean', 'active_days', days / divisor, 'days'),
               (10, 'retention', 'retained_subscribers', retained, 'subscribers'),
               (11, 'retention', 'retention_pct', 100 * retained / divisor, 'percent')
    ) as metrics (position, section, metric, value, unit)
    union all
    select fifth, position, name, metric, value, unit
    from quintiles, lateral (
        values (1, 'subscribers', subscribers, 'subscribers'), (2, 'watch_hours', watch_hours, 'hours'),
               (3, 'min_watch_hours', min_watch_hours, 'hours'), (4, 'max_watch_hours', max_watch_hours, 'hours')
    ) as metrics (position, metric, value, unit)
)
select section, metric, value::double as value, unit
from metrics
order by part, position
""".replace("{quintiles}", ", ".join(f"({number}, '{name}')" for number, name in enumerate(stored.QUINTILES, start=1)))


@analysis(
    theme="subscribers",
    parameters=GeneralParameters,
    base={},
    columns=(
        Column(
            "section",
            "text",
            "period, total, mean (per subscriber), retention, a quintile",
            key=True,
            of=("subscriber_code",),
        ),
        Column("metric", "text", "what is counted or measured", key=True, of=("subscriber_code",)),
        Column(
            "value",
            "double precision",
            "in the unit beside it",
            of=(*DURATION, "subscriber_code", "channel_name", "device_id", "local_date"),
        ),
        Column("unit", "text", "unit of the value", of=("subscriber_code",)),
    ),
)
def subscriber_overview(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How many subscribers watch, how much does one of them, and how is that spread?

    Totals and means per subscriber, the part that was active on two days or more, and the subscribers in fifths by watch
    time, from inactivo to super_activo, equals by code. Only views with a subscriber are counted. When there are none,
    totals are 0 and means null.
    """
    return views.query(_SUBSCRIBER_OVERVIEW, days=len(views.days()))


_TOP_SUBSCRIBERS = """
with viewers as materialized (
    select subscriber_code, count(*) as views, count(distinct channel_name) as channels,
           sum(duration_seconds) / 3600 as watch_hours
    from counted
    where subscriber_code is not null
    group by subscriber_code
),
listed as (
    (
        select 1 as position, 'by_hours' as ranking, subscriber_code, watch_hours as value, watch_hours
        from viewers order by value desc, subscriber_code limit $limit
    )
    union all (
        select 2, 'by_views', subscriber_code, views as value, watch_hours
        from viewers order by value desc, subscriber_code limit $limit
    )
    union all (
        select 3, 'by_channels', subscriber_code, channels as value, watch_hours
        from viewers order by value desc, subscriber_code limit $limit
    )
)
select ranking, row_number() over (partition by position order by value desc, subscriber_code) as rank,
       subscriber_code, value, watch_hours
from listed
order by position, rank
"""


@analysis(
    theme="subscribers",
    parameters=TopSubscribers,
    columns=(
        Column("ranking", "text", "by_hours, by_views or by_channels (different ones)", key=True, of=("subscriber_code",)),
        Column("rank", "bigint", "1 is the first of the ranking; ties go by code", key=True, of=("subscriber_code",)),
        replace(SUBSCRIBER, key=False),
        Column("value", "double precision", "hours, views or channels: what the ranking is by", of=(*DURATION, "channel_name")),
        WATCH_HOURS,
    ),
)
def top_subscribers(views: Views, parameters: TopSubscribers) -> pd.DataFrame:
    """Who watches most?

    The first subscribers of the window by time watched, by views and by number of different channels, each with the time
    that they watched.
    """
    return views.query(_TOP_SUBSCRIBERS, limit=parameters.limit)


_ACTIVE_SUBSCRIBERS = """
select local_date as date, count(distinct subscriber_code) as active_subscribers
from counted
group by local_date
order by local_date
"""


@analysis(
    theme="subscribers",
    parameters=GeneralParameters,
    base="active_subscribers",
    columns=(
        DATE,
        Column("active_subscribers", "bigint", "different subscribers with a view", unit="subscribers", of=SUBSCRIBER.of),
    ),
)
def active_subscribers(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How many subscribers watch on each day?

    The different subscribers of each day that has views, in order.
    """
    return views.query(_ACTIVE_SUBSCRIBERS)
