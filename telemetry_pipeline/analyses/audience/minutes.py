"""What is watched in an average minute of an hour or a quarter of it: average audience, rating, the curve of a channel.

What is measured by minutes rather than counted by views lies where it was watched, between a view's start and the end of
what counts of it. It is of every view that was running in the window and ended in it or up to 24 hours after it; what of a
view lies outside the window's hours, or after the moment up to which a provisional day is known, is left out.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.marks import BASE
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import CHANNEL, PLAYING, SUBSCRIBERS_PLAYING

WATCHED_HOUR = Column(
    "hour", "bigint", "hour of the operator's day, 0 to 23, in which it was watched", key=True, of=PLAYING, role="time"
)
AVERAGE_AUDIENCE = Column(
    "average_audience",
    "double precision",
    "subscribers that watch in an average minute of the hour",
    unit="subscribers",
    of=SUBSCRIBERS_PLAYING,
)


_HOUR, _QUARTER = 60, 15
"""Minutes of the spans that audiences are averages of."""


class ChannelCurve(GeneralParameters):
    """Parameters of :func:`channel_curve`."""

    window_days: int | None = Field(
        default=1, ge=1, le=36_500, description="days to average, the partition's own day included; null for all history"
    )
    channel: str = Field(min_length=1, max_length=1_000, description="the channel to look at")


# Of each view what no earlier view of the same subscriber and channel covers: pieces that overlap nowhere and are their union.
_AVERAGE_AUDIENCE = """
with fresh as (
    select channel_name, subscriber_code, greatest(started_at, $begin, max(watched_until) over earlier) as begins,
           least(watched_until, $end) as ends
    from playing
    where watched_until > $begin and channel_name is not null and subscriber_code is not null
          and coalesce(channel_name::text = $channel, true)
    window earlier as (
        partition by channel_name, subscriber_code order by started_at rows between unbounded preceding and 1 preceding
    )
), pieces as (
    select *, unnest(range(time_bucket(to_minutes($span), begins, $begin), ends, to_minutes($span))) as hour_start
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


@analysis(
    theme="audience",
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
            of=SUBSCRIBERS_PLAYING,
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
    theme="audience",
    parameters=GeneralParameters,
    looks_ahead=True,
    base=BASE,
    columns=(
        CHANNEL,
        WATCHED_HOUR,
        AVERAGE_AUDIENCE,
        Column("universe", "bigint", "all subscribers with a view in the window", unit="subscribers", of=SUBSCRIBERS_PLAYING),
        Column("rating_pct", "double precision", "average audience of the universe", unit="percent", of=SUBSCRIBERS_PLAYING),
    ),
)
def rating(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """Which part of all subscribers watches each channel in an average minute of each hour?

    The average audience, as ``average_audience`` defines it, in percent of the universe: all subscribers with a view
    that ended in the window or was running in it. Rows by channel and hour.
    """
    return _audience(views)[["channel", "hour", "average_audience", "universe", "rating_pct", BASE]]


@analysis(
    theme="audience",
    parameters=ChannelCurve,
    looks_ahead=True,
    base=BASE,
    columns=(
        WATCHED_HOUR,
        Column(
            "minute",
            "bigint",
            "minute of that hour at which the quarter begins",
            key=True,
            of=PLAYING,
            role="time",
        ),
        Column(
            "average_audience",
            "double precision",
            "subscribers that watch the channel in an average minute of the quarter",
            unit="subscribers",
            of=SUBSCRIBERS_PLAYING,
        ),
    ),
)
def channel_curve(views: Views, parameters: ChannelCurve) -> pd.DataFrame:
    """How does the audience of a channel go through the day?

    The average audience, as ``average_audience`` defines it, of each quarter of an hour of one channel. By default of the
    day itself; over several days the minutes of all of them are averaged. Rows are those in which something was watched, by
    hour and minute.
    """
    quarters = _audience(views, _QUARTER, parameters.channel)
    slots = quarters["hour"].astype("int64")
    return quarters.assign(hour=slots // _HOUR, minute=slots % _HOUR)[["hour", "minute", "average_audience", BASE]]


def _audience(views: Views, span: int = _HOUR, channel: str | None = None) -> pd.DataFrame:
    """Return the audience by channel and hour; by spans of minutes, the *hour* is the minute of the day at which one begins."""
    hours = views.hours()
    if hours.empty:
        return pd.DataFrame(columns=_AUDIENCE)
    bounds = clock.bounds_of(hours)
    spans = hours if span == _HOUR else _divided(hours, span)
    return views.query(_AVERAGE_AUDIENCE, {"hours": spans}, last=views.period.last, span=span, channel=channel, **bounds)


def _divided(hours: pd.DataFrame, span: int) -> pd.DataFrame:
    """Return the parts of hours, as far as they are known."""
    count = _HOUR // span
    begins = np.tile(np.arange(count) * span, len(hours))
    parts = hours.loc[hours.index.repeat(count)].reset_index(drop=True)
    starts = parts["hour_start"] + pd.to_timedelta(begins, unit="min").as_unit("us")
    ends = np.minimum(parts["hour_end"], starts + pd.Timedelta(minutes=span))
    parts = parts.assign(hour_start=starts, hour_end=ends, local_hour=parts["local_hour"] * _HOUR + begins)
    return parts[starts < ends].reset_index(drop=True)
