"""Measures of audience as the field defines them: reach, average audience, rating, share, concurrency, flow, stickiness.

What is measured by minutes rather than counted by views lies where it was watched, between a view's start and the end of
what counts of it. It is of every view that was running in the window and ended in it or up to 24 hours after it; what of a
view lies outside the window's hours, or after the moment up to which a provisional day is known, is left out.
"""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import Field

from telemetry_pipeline.analyses.columns import Column
from telemetry_pipeline.analyses.marks import BASE
from telemetry_pipeline.analyses.registry import GeneralParameters, analysis
from telemetry_pipeline.analyses.views import Views
from telemetry_pipeline.analyses.vocabulary import CHANNEL, DURATION, UNIQUE_DEVICES, WATCH_HOURS

_Whole = NDArray[np.int64]

_PLAYING = ("ended_at", *DURATION)
_SUBSCRIBERS_PLAYING = ("subscriber_code", *_PLAYING)

WATCHED_HOUR = Column("hour", "bigint", "hour of the operator's day, 0 to 23, in which it was watched", key=True, of=_PLAYING)
AVERAGE_AUDIENCE = Column(
    "average_audience",
    "double precision",
    "subscribers that watch in an average minute of the hour",
    unit="subscribers",
    of=_SUBSCRIBERS_PLAYING,
)


class Reach(GeneralParameters):
    """Parameters of :func:`reach`."""

    min_minutes: float = Field(default=1, gt=0, le=1440, description="minutes from which on a subscriber is reached")


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
    kind="audience",
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


# Of each view what no earlier view of the same subscriber and channel covers: pieces that overlap nowhere and are their union.
_AVERAGE_AUDIENCE = """
with fresh as (
    select channel_name, subscriber_code, greatest(started_at, $begin, max(watched_until) over earlier) as begins,
           least(watched_until, $end) as ends
    from playing
    where watched_until > $begin and channel_name is not null and subscriber_code is not null
    window earlier as (
        partition by channel_name, subscriber_code order by started_at rows between unbounded preceding and 1 preceding
    )
), pieces as (
    select *, unnest(range(time_bucket(interval 1 hour, begins, $begin), ends, interval 1 hour)) as hour_start
    from fresh where begins < ends
), watched as (
    select channel_name, local_hour, count(distinct subscriber_code) as base_subscribers,
           sum(epoch_us(least(ends, hour_end)) - epoch_us(greatest(begins, hours.hour_start))) / 60e6 as subscriber_minutes
    from pieces join hours on pieces.hour_start = hours.hour_start and begins < hour_end
    group by channel_name, local_hour
)
select channel_name as channel, local_hour as hour, subscriber_minutes, minutes,
       subscriber_minutes / minutes as average_audience, universe, 100 * average_audience / nullif(universe, 0) as rating_pct,
       base_subscribers
from watched
join (
    select local_hour, sum(epoch_us(hour_end) - epoch_us(hour_start)) / 60e6 as minutes from hours group by local_hour
) using (local_hour)
cross join (
    select count(distinct subscriber_code) as universe from playing where local_date <= $last or watched_until > $begin
)
order by channel_name, local_hour
"""


_AUDIENCE = ["channel", "hour", "subscriber_minutes", "minutes", "average_audience", "universe", "rating_pct", BASE]


def _bounds(hours: pd.DataFrame) -> dict[str, Any]:
    """Where the first of some hours begins and the last ends."""
    return {"begin": hours["hour_start"].iloc[0], "end": hours["hour_end"].iloc[-1]}


def _audience(views: Views) -> pd.DataFrame:
    hours = views.hours()
    if hours.empty:
        return pd.DataFrame(columns=_AUDIENCE)
    return views.query(_AVERAGE_AUDIENCE, {"hours": hours}, last=views.period.last, **_bounds(hours))


@analysis(
    kind="audience",
    parameters=GeneralParameters,
    looks_ahead=True,
    base=BASE,
    columns=(
        CHANNEL,
        WATCHED_HOUR,
        Column(
            "subscriber_minutes",
            "double precision",
            "minutes watched in that hour, summed over subscribers",
            unit="minutes",
            of=_SUBSCRIBERS_PLAYING,
        ),
        Column(
            "minutes",
            "double precision",
            "minutes that hour had in all of the window's days, as far as they are known",
            unit="minutes",
            of=("local_date",),
        ),
        AVERAGE_AUDIENCE,
    ),
)
def average_audience(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How many subscribers watch each channel in an average minute of each hour?

    Subscriber-minutes watched in a local hour over the minutes that this hour had: 60 for each time that it occurs in the
    window's days, which a change of the clock makes one more or fewer; of a provisional day those that have passed. Views of
    one subscriber on one channel that overlap, on several devices, count once; a view is divided at the hours. Views without
    channel or subscriber are left out. Rows are those in which something was watched, by channel and hour.
    """
    return _audience(views)[["channel", "hour", "subscriber_minutes", "minutes", "average_audience", BASE]]


@analysis(
    kind="audience",
    parameters=GeneralParameters,
    looks_ahead=True,
    base=BASE,
    columns=(
        CHANNEL,
        WATCHED_HOUR,
        AVERAGE_AUDIENCE,
        Column("universe", "bigint", "all subscribers with a view in the window", unit="subscribers", of=_SUBSCRIBERS_PLAYING),
        Column("rating_pct", "double precision", "average audience of the universe", unit="percent", of=_SUBSCRIBERS_PLAYING),
    ),
)
def rating(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """Which part of all subscribers watches each channel in an average minute of each hour?

    The average audience, as :func:`average_audience` defines it, in percent of the universe: all subscribers with a view
    that ended in the window or was running in it. Rows by channel and hour.
    """
    return _audience(views)[["channel", "hour", "average_audience", "universe", "rating_pct", BASE]]


_SHARE = """
select channel_name as channel, sum(duration_seconds) / 3600 as watch_hours,
       100 * sum(duration_seconds) / nullif(sum(sum(duration_seconds)) over (), 0) as share_pct
from counted
where channel_name is not null
group by channel_name
order by watch_hours desc, channel_name
"""


@analysis(
    kind="audience",
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


# All of a window at once would take 200 MB for 2,000,000 views.
_SWEPT_HOURS = 5 * 24

_STREAMS = """
select enum_code(subscriber_code) as subscriber, epoch_us(greatest(started_at, $begin)) as begins,
       epoch_us(least(watched_until, $end)) as ends
from playing
where started_at < $end and watched_until > $begin and started_at < watched_until
"""

_CONCURRENCY = """
select local_date as date, local_hour as hour, max(peak_streams) as peak_streams, sum(streams) / sum(length) as mean_streams,
       max(peak_subscribers) as peak_subscribers, sum(subscribers) / sum(length) as mean_subscribers
from hours
group by grouping sets ((local_date), (local_date, local_hour))
having max(peak_streams) > 0
order by date, hour nulls first
"""


_LEVELS = ("peak_streams", "mean_streams", "peak_subscribers", "mean_subscribers")


def _without_overlap(streams: pd.DataFrame) -> pd.DataFrame:
    """Of each stream of a subscriber what none that began earlier covers, which together are when he was watching.

    In DuckDB, a window over two million streams runs out of its memory.
    """
    null_last = np.lexsort((streams["begins"], streams["subscriber"]))
    known = streams.iloc[null_last[: streams["subscriber"].count()]]
    subscriber = known["subscriber"]
    covered_until = known.groupby(subscriber)["ends"].cummax().groupby(subscriber).shift(fill_value=0)
    fresh = pd.DataFrame({"begins": np.maximum(known["begins"], covered_until), "ends": known["ends"]})
    return fresh[fresh["begins"] < fresh["ends"]]


def _levels(intervals: pd.DataFrame, edges: _Whole) -> tuple[_Whole, _Whole]:
    """Of intervals within the edges: the most at once in each hour between two edges, and their time in it, summed."""
    begins, ends, starts = np.sort(intervals["begins"]), np.sort(intervals["ends"]), edges[:-1]

    def hour_of(moments: _Whole) -> _Whole:
        return np.searchsorted(starts, moments, side="right") - 1

    def time_since(moments: _Whole) -> _Whole:
        hour = hour_of(moments)
        in_its_hour = np.bincount(hour, edges[hour + 1] - moments, minlength=len(starts)).astype(np.int64)
        return in_its_hour + np.searchsorted(moments, starts) * np.diff(edges)

    rises = np.concatenate([starts, begins])
    levels = np.searchsorted(begins, rises, side="right") - np.searchsorted(ends, rises, side="right")
    peaks = np.zeros(len(starts), dtype=np.int64)
    np.maximum.at(peaks, hour_of(rises), levels)
    return peaks, time_since(begins) - time_since(ends)


@analysis(
    kind="audience",
    parameters=GeneralParameters,
    looks_ahead=True,
    base={},
    columns=(
        Column("date", "date", "the operator's day in which it was playing", key=True, of=_PLAYING),
        Column("hour", "bigint", "hour of that day, 0 to 23; null for the whole day", key=True, of=_PLAYING),
        Column("peak_streams", "bigint", "most views at one moment", unit="streams", of=_PLAYING),
        Column("mean_streams", "double precision", "views at an average moment", unit="streams", of=_PLAYING),
        Column(
            "peak_subscribers",
            "bigint",
            "most different subscribers at one moment",
            unit="subscribers",
            of=_SUBSCRIBERS_PLAYING,
        ),
        Column(
            "mean_subscribers",
            "double precision",
            "different subscribers at an average moment",
            unit="subscribers",
            of=_SUBSCRIBERS_PLAYING,
        ),
    ),
)
def concurrency(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How much is played at the same time?

    Most and mean number of simultaneous streams (views) and of different subscribers, for each day of the window on which
    something is playing and each hour of it in which something is. A view plays from its start up to, not including, the end
    of what counts of it; without duration it is not playing at all. Means are over all seconds of the day or hour that have
    passed. The day's row, without an hour, comes before those of its hours.
    """
    hours = views.hours()
    if hours.empty:
        return pd.DataFrame(columns=["date", "hour", *_LEVELS])
    follows = hours["hour_start"] == hours["hour_end"].shift()
    parts = [(~follows).cumsum(), pd.Series(range(len(hours)), hours.index) // _SWEPT_HOURS]
    swept = [_sweep(views, part.copy()) for _, part in hours.groupby(parts)]
    return views.query(_CONCURRENCY, {"hours": pd.concat(swept)})


def _sweep(views: Views, hours: pd.DataFrame) -> pd.DataFrame:
    """The hours, which follow on each other, with what plays in each."""
    bounds = _bounds(hours)
    edges = np.append(hours["hour_start"], bounds["end"]).astype("datetime64[us]").astype(np.int64)
    streams = views.query(_STREAMS, **bounds)
    hours["length"] = np.diff(edges)
    hours["peak_streams"], hours["streams"] = _levels(streams, edges)
    hours["peak_subscribers"], hours["subscribers"] = _levels(_without_overlap(streams), edges)
    return hours


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
    kind="audience",
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
    kind="audience",
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
