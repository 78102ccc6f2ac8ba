"""How many subscribers a channel reaches, and its share of the time watched."""

from __future__ import annotations

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.marks import BASE
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    CHANNEL,
    DURATION,
    WATCH_HOURS,
)


class Reach(GeneralParameters):
    """Parameters of :func:`reach`."""

    min_minutes: float = Field(default=1, gt=0, le=1440, description="minutes from which on a subscriber is reached")


_REACH = """
with by_channel as (
    select channel_name, subscriber_code, sum(duration_seconds) as seconds
    from counted group by channel_name, subscriber_code
), totals as (
    select subscriber_code, sum(seconds) as seconds from by_channel group by subscriber_code
), reached as (
    select 'total' as scope, null as channel, count(subscriber_code) as base_subscribers,
           count(subscriber_code) filter (seconds >= 60 * $min_minutes) as reached_subscribers
    from totals
    union all
    select 'channel', channel_name, count(subscriber_code), count(subscriber_code) filter (seconds >= 60 * $min_minutes)
    from by_channel where channel_name is not null group by channel_name
)
select scope, channel, reached_subscribers, active_subscribers,
       100 * reached_subscribers / nullif(active_subscribers, 0) as reach_pct, base_subscribers
from reached cross join (select count(subscriber_code) as active_subscribers from totals)
order by scope desc, channel
"""


@analysis(
    theme="audience",
    parameters=Reach,
    base=BASE,
    columns=(
        Column("scope", "text", "total, or channel for a single one", key=True, of=("channel_name",)),
        Column("channel", "text", "name of the channel; null for the total", key=True, of=("channel_name",)),
        Column(
            "reached_subscribers",
            "bigint",
            "subscribers who watched long enough",
            unit="subscribers",
            of=("subscriber_code", *DURATION),
        ),
        Column("active_subscribers", "bigint", "subscribers with a view", unit="subscribers", of=("subscriber_code",)),
        Column(
            "reach_pct",
            "double precision",
            "reached of all active subscribers; null without any",
            unit="percent",
            of=("subscriber_code", *DURATION),
        ),
    ),
)
def reach(views: Views, parameters: Reach) -> pd.DataFrame:
    """How many subscribers does each channel really reach?

    Different subscribers whose watch time, summed over the window, is at least ``min_minutes``: of everything (total, which
    comes first and is always there), and of each channel with a view, by name. ``reach_pct`` is of all subscribers with a
    view in the window, on whatever channel.
    """
    return views.query(_REACH, min_minutes=parameters.min_minutes)


_SHARE = """
select channel_name as channel, sum(duration_seconds) / 3600 as watch_hours,
       100 * sum(duration_seconds) / nullif(sum(sum(duration_seconds)) over (), 0) as share_pct
from counted
where channel_name is not null
group by channel_name
order by watch_hours desc, channel_name
"""


@analysis(
    theme="audience",
    parameters=GeneralParameters,
    base={"channel": "channel_name"},
    columns=(
        CHANNEL,
        WATCH_HOURS,
        Column(
            "share_pct",
            "double precision",
            "part of the watch time of all views that have a channel; null when that is 0",
            unit="percent",
            of=("channel_name", *DURATION),
        ),
    ),
)
def share(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How is the time watched divided among the channels?

    Watch time of each channel of the window, in percent of that of all views that have a channel; the largest share first,
    ties by name.
    """
    return views.query(_SHARE)
