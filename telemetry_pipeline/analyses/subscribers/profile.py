"""What one subscriber watches, looking back from a day."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.dayparts import SLOT_VALUES, seconds_by_hour
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    DURATION,
    VIEWS,
    WATCH_HOURS,
)


class SubscriberProfile(GeneralParameters):
    """Parameters of :func:`subscriber_profile`."""

    subscriber_code: str = Field(min_length=1, max_length=1_000, description="code of the subscriber to look at")


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
    theme="subscribers",
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
