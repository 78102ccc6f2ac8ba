"""How viewers move: from channel to channel, and back after days away."""

from __future__ import annotations

from datetime import date

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.marks import BASE
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    DURATION,
    UNIQUE_DEVICES,
)


class ChannelFlow(GeneralParameters):
    """Parameters of :func:`channel_flow`."""

    gap_minutes: float = Field(default=30, ge=0, le=1440, description="longest pause within a transition, in minutes")
    limit: int = Field(default=200, ge=1, le=10_000, description="transitions to list")


class Stickiness(GeneralParameters):
    """Parameters of :func:`stickiness`."""

    days: int = Field(default=30, ge=1, le=366, description="last days of the window to list")
    window_days: int | None = Field(
        default=90,
        ge=1,
        le=36_500,
        description="days to look back, the partition's own day included; null for all history",
    )


_CHANNEL_FLOW = """
with ordered as (
    select device_id, subscriber_code, channel_name as from_channel, watched_until,
           lead(channel_name) over following as to_channel, lead(started_at) over following as next_started_at
    from counted
    where device_id is not null and channel_name is not null
    window following as (partition by device_id order by started_at, ended_at, channel_name)
)
select from_channel, to_channel, count(*) as transitions, count(distinct device_id) as unique_devices,
       100 * count(*) / sum(count(*)) over (partition by from_channel) as share_pct,
       count(distinct subscriber_code) as base_subscribers
from ordered
where to_channel <> from_channel and next_started_at <= watched_until + to_seconds(60 * $gap_minutes)
group by from_channel, to_channel
order by transitions desc, from_channel, to_channel
limit $limit
"""
_FLOW = ("channel_name", "device_id", "ended_at", *DURATION)


@analysis(
    theme="audience",
    parameters=ChannelFlow,
    base=BASE,
    columns=(
        Column("from_channel", "text", "name of the channel that was left", key=True, of=("channel_name",)),
        Column("to_channel", "text", "name of the channel that was watched next", key=True, of=("channel_name",)),
        Column("transitions", "bigint", "changes from one to the other", unit="transitions", of=_FLOW),
        UNIQUE_DEVICES,
        Column("share_pct", "double precision", "part of all transitions from that channel", unit="percent", of=_FLOW),
    ),
)
def channel_flow(views: Views, parameters: ChannelFlow) -> pd.DataFrame:
    """From which channel do viewers go to which?

    A transition is a view of a device followed by one of another channel that starts at most ``gap_minutes`` after what
    counts of the first ended. A device's views follow each other by their start, then their end, then their channel; those
    without device or channel are left out before. The most frequent first, ties by name; ``share_pct`` is of all transitions
    from the same channel, listed or not.
    """
    return views.query(_CHANNEL_FLOW, gap_minutes=parameters.gap_minutes, limit=parameters.limit)


# A subscriber's last day with a view, as of any date, is the one day from which on, and up to his next, the date lies.
_STICKINESS = """
with subscriber_days as (
    select distinct subscriber_code, local_date from counted where subscriber_code is not null
), turns as (
    select local_date, lead(local_date) over (partition by subscriber_code order by local_date) as next_date,
           row_number() over (partition by subscriber_code order by local_date) = 1 as is_first
    from subscriber_days
), spans as (
    select local_date, coalesce(next_date, date 'infinity') as next_date, is_first, count(*) as subscribers
    from turns group by all
), dates as (
    select day::date as date
    from (select min(local_date) as seen_from from counted),
         unnest(generate_series(
             greatest($earliest, if($all_history, seen_from, $first)), if(seen_from is null, null, $last), interval 1 day
         )) as days (day)
), actives as (
    select date, coalesce(sum(subscribers) filter (local_date = date), 0) as daily_active,
           coalesce(sum(subscribers) filter (date - local_date < 7), 0) as weekly_active,
           coalesce(sum(subscribers) filter (date - local_date < 30), 0) as monthly_active,
           coalesce(sum(subscribers) filter (local_date = date and is_first), 0) as new_subscribers,
           coalesce(sum(subscribers), 0) as ever_active
    from dates left join spans on local_date <= date and date < next_date
    group by date
)
select date, daily_active, weekly_active, monthly_active, 100 * daily_active / nullif(monthly_active, 0) as stickiness_pct,
       new_subscribers, daily_active - new_subscribers as returning_subscribers,
       ever_active - monthly_active as dormant_subscribers
from actives
order by date
"""
_ACTIVITY = ("subscriber_code", "local_date")


@analysis(
    theme="audience",
    parameters=Stickiness,
    base="monthly_active",
    columns=(
        Column("date", "date", "the operator's day", key=True, of=("local_date",)),
        Column("daily_active", "bigint", "subscribers with a view on the day", unit="subscribers", of=_ACTIVITY),
        Column("weekly_active", "bigint", "subscribers with a view in the 7 days ending", unit="subscribers", of=_ACTIVITY),
        Column("monthly_active", "bigint", "subscribers with a view in the 30 days ending", unit="subscribers", of=_ACTIVITY),
        Column(
            "stickiness_pct", "double precision", "daily of monthly actives; null without any", unit="percent", of=_ACTIVITY
        ),
        Column("new_subscribers", "bigint", "subscribers whose first view is of the day", unit="subscribers", of=_ACTIVITY),
        Column("returning_subscribers", "bigint", "subscribers active on the day and before", unit="subscribers", of=_ACTIVITY),
        Column(
            "dormant_subscribers", "bigint", "subscribers seen before the 30 days ending only", unit="subscribers", of=_ACTIVITY
        ),
    ),
)
def stickiness(views: Views, parameters: Stickiness) -> pd.DataFrame:
    """How often do subscribers come back?

    For each of the last ``days`` calendar days of the window: subscribers active on the day, in the 7 and in the 30 days that
    end with it, and daily in percent of monthly actives. Of the day's, new are those whose first view of the window is on it,
    returning the others; dormant are those seen in the window before, but not in the 30 days. What lies before the window is
    not known, which cuts the spans of its first days. All history begins at the first day with a view; when nothing was
    seen, there are no rows.
    """
    first, last = views.period.first, views.period.last
    earliest = date.fromordinal(max(1, last.toordinal() - parameters.days + 1))
    return views.query(_STICKINESS, earliest=earliest, all_history=first == date.min, first=first, last=last)
