"""Analyses of subscribers one by one: who watches most, who is leaving, and what one of them watches.

What they are as a crowd is in ``segments``.
"""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses import clock
from telemetry_pipeline.analyses.clock import parts_frame
from telemetry_pipeline.analyses.columns import Column
from telemetry_pipeline.analyses.dayparts import SLOT_VALUES, seconds_by_hour
from telemetry_pipeline.analyses.registry import GeneralParameters, analysis
from telemetry_pipeline.analyses.views import Views
from telemetry_pipeline.analyses.vocabulary import DATE, DURATION, SUBSCRIBER, VIEWS, WATCH_HOURS


class TopSubscribers(GeneralParameters):
    """Parameters of :func:`top_subscribers`."""

    limit: int = Field(default=10, ge=1, le=10_000, description="subscribers to list in each ranking")


class ChurnRisk(GeneralParameters):
    """Parameters of :func:`churn_risk`."""

    window_days: int | None = Field(
        default=14, ge=2, le=36_500, description="days to halve, the partition's own day included; null for all history"
    )
    min_views: int = Field(default=3, ge=1, le=1_000_000, description="views in the first half from which a fall counts")


class SubscriberProfile(GeneralParameters):
    """Parameters of :func:`subscriber_profile`."""

    subscriber_code: str = Field(min_length=1, max_length=1_000, description="code of the subscriber to look at")


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
    from (values (1, 'inactivo'), (2, 'ocasional'), (3, 'regular'), (4, 'activo'), (5, 'super_activo')) as names (fifth, name)
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
"""


@analysis(
    kind="subscribers",
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
    kind="subscribers",
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
    kind="subscribers",
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


_CHURN_RISK = """
with halves as (
    select subscriber_code, count(*) filter (not is_last and ended_at < until) as views_previous,
           count(*) filter (is_last and ended_at < until) as views_last, max(local_date) as last_seen
    from counted left join parts using (local_date)
    where subscriber_code is not null
    group by subscriber_code
)
select *, case when views_previous < $min_views then 'low' when views_last = 0 then 'high'
               when 2 * views_last <= views_previous then 'medium' else 'low' end as risk
from halves
order by risk, views_previous desc, subscriber_code
"""


@analysis(
    kind="subscribers",
    parameters=ChurnRisk,
    columns=(
        SUBSCRIBER,
        Column(
            "views_previous", "bigint", "views in the first half of the window, as far as it is compared", of=("local_date",)
        ),
        Column("views_last", "bigint", "views in the last half of the window, as far as it is known", of=("local_date",)),
        Column("last_seen", "date", "day of the last view in the window", of=("local_date",)),
        Column("risk", "text", "high: watches no more; medium: half of what it was, or less", of=("local_date",)),
    ),
)
def churn_risk(views: Views, parameters: ChurnRisk) -> pd.DataFrame:
    """Which subscribers may be about to leave?

    The window is halved; of an odd number of days the first half has one more. A provisional day of the last half is compared
    with the same elapsed part of its fellow in the first; days of which a part is unknown, and their fellows, are left out. Of
    those with at least ``min_views`` views in the first half, the risk is high when they have none in the last, and medium when
    they have at most half as many. All others are at low risk and not listed, only counted. Those who watched most come first
    within each risk.
    """
    days = views.days()
    half = len(days) // 2
    pairs = clock.pairs(days[len(days) - half :], days[len(days) - 2 * half : len(days) - half])
    parts = [(pair.day.date, True, pair.until) for pair in pairs]
    parts += [(pair.partner.date, False, pair.partner_until) for pair in pairs]
    parts += [(day.date, False, day.end) for day in days[: len(days) - 2 * half] if day.complete]
    subscribers = views.query(_CHURN_RISK, {"parts": parts_frame(parts)}, min_views=parameters.min_views)
    at_risk = subscribers[subscribers["risk"] != "low"]
    at_risk.attrs["facts"] = {"low_risk_subscribers": len(subscribers) - len(at_risk)}
    return at_risk


_SUBSCRIBER_PROFILE = """
with mine as materialized (
    select local_date, local_hour, duration_seconds, channel_name, device_id
    from counted where subscriber_code::text = $subscriber_code
),
totals as (
    select count(*) as views, coalesce(sum(duration_seconds), 0) / 3600 as watch_hours,
           count(distinct channel_name) as unique_channels, count(distinct device_id) as unique_devices,
           count(distinct local_date) as active_days, sum(duration_seconds) / nullif(count(*), 0) as average_seconds,
           views / nullif(active_days, 0) as views_per_active_day,
           watch_hours / nullif(active_days, 0) as watch_hours_per_active_day,
           coalesce(100 * active_days / nullif($days, 0), 0) as activity_pct
    from mine
),
channels as (
    select channel_name, count(*) as views, sum(duration_seconds) as seconds,
           100 * count(*) / sum(count(*)) over () as share_pct, row_number() over (order by count(*) desc, channel_name) as rank
    from mine where channel_name is not null group by channel_name
),
clock as (
    select hour::integer as hour, $seconds[hour + 1] as seconds, count(local_hour) as views
    from range(24) as hours (hour) left join mine on local_hour = hour group by hour
),
slots as (
    select number, slot, sum(views) as views, sum(seconds) as seconds
    from (values {slots}) as slots (number, slot) join clock on hour // 6 = number
    group by number, slot
),
devices as (
    select device_id, count(*) as views, sum(duration_seconds) as seconds,
           row_number() over (order by count(*) desc, device_id) as rank
    from mine where device_id is not null group by device_id
),
items as (
    select 1 as part, position, 'total' as section, item, null as views, null as seconds, value
    from totals, lateral (
        values (1, 'views', views), (2, 'watch_hours', watch_hours), (3, 'unique_channels', unique_channels),
               (4, 'unique_devices', unique_devices), (5, 'active_days', active_days), (6, 'average_seconds', average_seconds),
               (7, 'views_per_active_day', views_per_active_day), (8, 'watch_hours_per_active_day', watch_hours_per_active_day),
               (9, 'activity_pct', activity_pct)
    ) as metrics (position, item, value)
    union all select 2, rank, 'channel', channel_name::text, views, seconds, share_pct from channels where rank <= 10
    union all select 3, number, 'slot', slot, views, seconds, 100 * views / nullif(sum(views) over (), 0) from slots
    union all select 4, rank, 'device', device_id::text, views, seconds, null from devices
    union all select 5, hour, 'hour', hour::text, views, seconds, null from clock where views > 0 or seconds > 0
)
select section, item, views, seconds / 3600 as watch_hours, value
from items
order by part, position
""".replace("{slots}", SLOT_VALUES)


@analysis(
    kind="subscribers",
    parameters=SubscriberProfile,
    columns=(
        Column("section", "text", "total, channel, slot, device or hour", key=True, of=("subscriber_code",)),
        Column(
            "item",
            "text",
            "which total, channel, part of the day, device or hour",
            key=True,
            of=("channel_name", "local_hour", "device_id"),
        ),
        replace(VIEWS, description="views that have a duration, by the hour in which they ended; null in the totals"),
        replace(WATCH_HOURS, description="time watched, by the hour in which it was; null in the totals"),
        Column(
            "value",
            "double precision",
            "the total; percent of the subscriber's views for channels (of those that have one) and parts of the day",
            of=(*DURATION, "channel_name", "device_id", "local_date"),
        ),
    ),
)
def subscriber_profile(views: Views, parameters: SubscriberProfile) -> pd.DataFrame:
    """What does this subscriber watch, when and on what?

    Totals and means per active day, with the part of the window's days on which the subscriber was active; then the ten
    channels with most views, the four parts of the day, all devices, and the hours of the day that have any. Views are counted
    in the hour in which they ended, watch time lies in the hours in which it was watched. Of a subscriber without views the
    totals are 0 and the means null.
    """
    seconds = seconds_by_hour(views, parameters.subscriber_code)
    return views.query(_SUBSCRIBER_PROFILE, subscriber_code=parameters.subscriber_code, days=len(views.days()), seconds=seconds)
