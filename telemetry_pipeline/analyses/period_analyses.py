"""Analyses of exactly the days of a run: what happened in them, by whom and on what, and how it moved from day to day.

Days of the period on which nothing was seen are days of it all the same, where a definition says so. Analyses that look
back from a day are in the modules of their subjects.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses import clock
from telemetry_pipeline.analyses.columns import Column
from telemetry_pipeline.analyses.dayparts import SLOT_VALUES, hours_by_slot
from telemetry_pipeline.analyses.registry import PeriodParameters, analysis
from telemetry_pipeline.analyses.rhythm import GRANULARITY, UNITS, Granularity
from telemetry_pipeline.analyses.views import Views
from telemetry_pipeline.analyses.vocabulary import (
    ACTIVE_DAYS,
    AVERAGE_SECONDS,
    CHANNEL,
    DATE,
    DURATION,
    PERIOD_START,
    SUBSCRIBER,
    UNIQUE_CHANNELS,
    UNIQUE_DEVICES,
    UNIQUE_SUBSCRIBERS,
    VIEWS,
    VIEWS_PER_SUBSCRIBER,
    WATCH_HOURS,
    WATCH_HOURS_PER_SUBSCRIBER,
)

OUTLIER_Z = 2
"""Beyond how many standard deviations from the mean a day of a subscriber stands out."""
TREND_PCT = 10
"""From which change between halves on a subscriber's viewing grows or falls."""


class PeriodBreakdown(PeriodParameters):
    """Parameters of :func:`period_breakdown`."""

    granularity: Granularity = GRANULARITY


class PeriodChannels(PeriodParameters):
    """Parameters of :func:`period_channels`."""

    top_n: int = Field(default=20, ge=1, le=10_000, description="channels to list")


class PeriodSubscribers(PeriodParameters):
    """Parameters of :func:`period_subscribers`."""

    top_n: int = Field(default=50, ge=1, le=10_000, description="subscribers to list")


class PeriodEvents(PeriodParameters):
    """Parameters of :func:`period_events`."""

    threshold_std: float = Field(
        default=2, gt=0, le=10, description="standard deviations from the mean beyond which a day is a peak or a valley"
    )


class SubscriberPeriod(PeriodParameters):
    """Parameters of :func:`subscriber_period`."""

    subscriber_code: str = Field(min_length=1, max_length=1_000, description="code of the subscriber to look at")


_PERIOD_SUMMARY = """
select $days as days, count(*) as views, count(distinct subscriber_code) as unique_subscribers,
       count(distinct device_id) as unique_devices, count(distinct channel_name) as unique_channels,
       coalesce(sum(duration_seconds), 0) / 3600 as watch_hours,
       sum(duration_seconds) / nullif(count(*), 0) as average_seconds,
       max(duration_seconds) as max_seconds, min(duration_seconds) as min_seconds,
       count(*) / nullif($elapsed_days, 0) as views_per_day
from counted
"""


@analysis(
    kind="period",
    parameters=PeriodParameters,
    base="unique_subscribers",
    columns=(
        Column("days", "bigint", "calendar days of the period", unit="days", of=("local_date",)),
        VIEWS,
        UNIQUE_SUBSCRIBERS,
        UNIQUE_DEVICES,
        UNIQUE_CHANNELS,
        WATCH_HOURS,
        AVERAGE_SECONDS,
        Column("max_seconds", "bigint", "duration of the longest view", unit="seconds", of=DURATION),
        Column("min_seconds", "bigint", "duration of the shortest view", unit="seconds", of=DURATION),
        Column("views_per_day", "double precision", "views per day that has passed", unit="views", of=("local_date",)),
    ),
)
def period_summary(views: Views, parameters: PeriodParameters) -> pd.DataFrame:
    """What did the period amount to?

    One row of totals; without views all zeros, and mean, longest and shortest duration null. ``views_per_day`` is of all
    calendar days of the period; of a provisional one, of the part that has passed.
    """
    elapsed_days = sum(day.elapsed / (day.end - day.start) for day in views.days())
    return views.query(_PERIOD_SUMMARY, days=views.period.length, elapsed_days=elapsed_days)


_COMPARED = """
select metric, value::double as value
from (
    select count(*) as views, count(distinct subscriber_code) as subscribers,
           coalesce(sum(duration_seconds), 0) / 3600 as watch_hours
    from counted join parts using (local_date) where ended_at < until
) as totals, lateral (values (0, 'views', views), (1, 'subscribers', subscribers), (2, 'watch_hours', watch_hours))
    as metrics (position, metric, value)
order by position
"""


@analysis(
    kind="period",
    parameters=PeriodParameters,
    compares=True,
    base={},
    columns=(
        Column("metric", "text", "views, subscribers (different ones) or watch_hours", key=True, of=DURATION),
        Column("current", "double precision", "the metric in the period", of=("local_date",)),
        Column("previous", "double precision", "the metric in as many days just before", of=("local_date",)),
        Column("change", "double precision", "current less previous", of=("local_date",)),
        Column("change_pct", "double precision", "change against previous; null after 0", unit="percent", of=("local_date",)),
        Column("trend", "text", "aumento, disminución or estable, by the sign of the change", of=("local_date",)),
    ),
)
def period_comparison(views: Views, parameters: PeriodParameters) -> pd.DataFrame:
    """Was it more or less than in the period before?

    Views, subscribers and watch time of the period against those of as many days just before it, day by day: a provisional day
    stands against the same elapsed part of its fellow, and a day of which a part is unknown, which the first day of data and
    those with a gap are, is left out with its fellow. ``change_pct`` is null where there was nothing before. When no days can
    be compared, there is no previous figure, and current is that of all the period.
    """
    before = views.of(views.period.before())
    fellows = before.days()
    days = views.days()[-len(fellows) :]
    pairs = clock.pairs(days, fellows)
    parts = clock.parts_frame([(pair.day.date, True, pair.until) for pair in pairs] or [(d.date, True, d.end) for d in days])
    frame = views.query(_COMPARED, {"parts": parts}).rename(columns={"value": "current"})
    earlier = clock.parts_frame((pair.partner.date, False, pair.partner_until) for pair in pairs)
    frame["previous"] = before.query(_COMPARED, {"parts": earlier})["value"] if pairs else np.nan
    frame["change"] = frame["current"] - frame["previous"]
    frame["change_pct"] = 100 * frame["change"] / frame["previous"].where(frame["previous"] != 0)
    frame["trend"] = [_word(change, "aumento", "disminución") if pairs else None for change in frame["change"]]
    if left_out := [day.date.isoformat() for day in days if day.date not in {pair.day.date for pair in pairs}]:
        frame.attrs["facts"] = {"not_compared": left_out}
    return frame


_PERIOD_BREAKDOWN = """
select date_trunc($unit, local_date)::date as period_start, count(*) as views,
       count(distinct subscriber_code) as unique_subscribers, count(distinct device_id) as unique_devices,
       sum(duration_seconds) / 3600 as watch_hours, sum(duration_seconds) / count(*) as average_seconds
from counted
group by period_start
order by period_start
"""


@analysis(
    kind="period",
    parameters=PeriodBreakdown,
    base="unique_subscribers",
    columns=(PERIOD_START, VIEWS, UNIQUE_SUBSCRIBERS, UNIQUE_DEVICES, WATCH_HOURS, AVERAGE_SECONDS),
)
def period_breakdown(views: Views, parameters: PeriodBreakdown) -> pd.DataFrame:
    """How does viewing divide over the days, weeks or months of the period?

    One row for each day, ISO week or calendar month with views, in order. Weeks and months at the period's edges hold only
    what the period holds of them.
    """
    return views.query(_PERIOD_BREAKDOWN, unit=UNITS[parameters.granularity])


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
    kind="period",
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
    kind="period",
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


# Deviations are taken n times, as whole numbers: a z-score that is exactly a threshold is not beyond it by rounding.
_PERIOD_EVENTS = """
with days as (
    select local_date as date, count(*) as views, count(distinct channel_name) as unique_channels,
           count(distinct subscriber_code) as unique_subscribers,
           local_date in (select unnest($complete::date[])) as complete
    from counted group by local_date
), deviations as (
    select *, count(*) filter (complete) over () as n,
           if(complete, n * views - sum(views) filter (complete) over (), null) as deviation
    from days
), scored as (
    select *, deviation / nullif(sqrt(sum(deviation * deviation) over () / nullif(n - 1, 0)), 0) as z_score from deviations
)
select date, views, unique_channels, unique_subscribers, z_score, coalesce(z_score > $threshold, false) as is_peak,
       coalesce(z_score < -$threshold, false) as is_valley
from scored
order by date
"""


@analysis(
    kind="period",
    parameters=PeriodEvents,
    base="unique_subscribers",
    columns=(
        DATE,
        VIEWS,
        UNIQUE_CHANNELS,
        UNIQUE_SUBSCRIBERS,
        Column(
            "z_score",
            "double precision",
            "distance of the day's views from the mean in sample standard deviations; null when all days are equal",
            of=("local_date",),
        ),
        Column("is_peak", "boolean", "whether the day lies above the mean by more than the threshold", of=("local_date",)),
        Column("is_valley", "boolean", "whether the day lies below the mean by more than the threshold", of=("local_date",)),
    ),
)
def period_events(views: Views, parameters: PeriodEvents) -> pd.DataFrame:
    """On which days did something happen?

    Every day with views. Its z-score is (views - mean) / sample standard deviation, both over the period's complete days that
    have views; a day beyond the threshold is a peak or a valley. With fewer than two days, or when all are equal, there is no
    z-score, and none is either.
    """
    frame = views.query(_PERIOD_EVENTS, threshold=parameters.threshold_std, complete=views.complete_days())
    if frame["z_score"].isna().all():
        frame.attrs["facts"] = {"note": "no z-scores: they need two days with different numbers of views"}
    return frame


_VIEWS_BY_DAY = """
select coalesce(views, 0) as views
from unnest(generate_series($first, $last, interval 1 day)) as days (day)
left join (select local_date, count(*) as views from counted group by local_date) as seen on local_date = day
order by day
"""


@analysis(
    kind="period",
    parameters=PeriodParameters,
    base={},
    columns=(
        Column("direction", "text", "creciente, decreciente or estable, by the slope's sign", of=("local_date",)),
        Column("strength", "text", "fuerte, moderada or débil, by the slope against the days' spread", of=("local_date",)),
        Column("slope", "double precision", "change of a day's views from day to day", unit="views a day", of=("local_date",)),
        Column("r_squared", "double precision", "part of the days' variance that the line explains", of=("local_date",)),
        Column("first_day_views", "bigint", "views of the first complete day", unit="views", of=("local_date",)),
        Column("last_day_views", "bigint", "views of the last complete day", unit="views", of=("local_date",)),
        Column("change", "bigint", "last day less first day", unit="views", of=("local_date",)),
        Column(
            "change_pct", "double precision", "change against the first day; null after 0", unit="percent", of=("local_date",)
        ),
    ),
)
def period_trend(views: Views, parameters: PeriodParameters) -> pd.DataFrame:
    """Did viewing grow or fall over the period?

    The line of least squares through the views of every complete calendar day, 0 where nothing was seen. Strength is the
    slope's size against the days' population standard deviation: fuerte above 10 %, moderada above 5 %, débil below or when all
    days are equal; ``r_squared`` is null then. One day has no line: direction, strength, slope and ``r_squared`` are null.
    """
    counts = [int(count) for count in views.query(_VIEWS_BY_DAY, first=views.period.first, last=views.period.last)["views"]]
    known = {n: counts[n] for n, day in enumerate(views.days()) if day.complete}
    line, facts = _line(known)
    days: dict[str, float | None] = dict.fromkeys(("first_day_views", "last_day_views", "change", "change_pct"))
    if known:
        first, last = known[min(known)], known[max(known)]
        change_pct = 100 * (last - first) / first if first else None
        days = {"first_day_views": first, "last_day_views": last, "change": last - first, "change_pct": change_pct}
    frame = pd.DataFrame([{**line, **days}])
    frame.attrs["facts"] = facts
    return frame


def _line(counts: Mapping[int, int]) -> tuple[dict[str, Any], dict[str, str]]:
    """Least squares through the counts of days by their numbers, in integers so that level is level; and facts about it."""
    n = len(counts)
    if n < 2:
        return dict.fromkeys(("direction", "strength", "slope", "r_squared")), {"note": "a trend needs two complete days"}
    covariance = n * sum(x * y for x, y in counts.items()) - sum(counts) * sum(counts.values())
    days_variance = n * sum(x * x for x in counts) - sum(counts) ** 2
    variance = n * sum(y * y for y in counts.values()) - sum(counts.values()) ** 2
    slope = covariance / days_variance
    relative = abs(slope) / (math.sqrt(variance) / n) if variance else 0
    line = {
        "direction": _word(covariance, "creciente", "decreciente"),
        "strength": "fuerte" if relative > 0.10 else "moderada" if relative > 0.05 else "débil",
        "slope": slope,
        "r_squared": covariance**2 / (days_variance * variance) if variance else None,
    }
    return line, {} if variance else {"note": "all days are equal: r_squared is not defined"}


def _word(value: float, above: str, below: str, bound: float = 0) -> str:
    """What a change is called that is beyond the bound, above or below, or within it."""
    return above if value > bound else below if value < -bound else "estable"


_DAYS_OF_SUBSCRIBER = """
with days as (
    select day::date as day, count(local_date) as views, coalesce(sum(duration_seconds), 0) / 3600 as watch_hours
    from unnest(generate_series($first, $last, interval 1 day)) as days (day)
    left join (select local_date, duration_seconds from counted where subscriber_code::text = $subscriber) as seen
        on local_date = day
    group by day
), marked as (
    select *, day in (select unnest($complete::date[])) as complete from days
), deviations as (
    select *, count(*) filter (complete) over () as n,
           if(complete, n * views - sum(views) filter (complete) over (), null) as deviation
    from marked
)
select 'day' as section, day::text as item, views, watch_hours,
       deviation / nullif(sqrt(sum(deviation * deviation) over () / n), 0) as value
from deviations
order by day
"""

_CHANNELS_OF_SUBSCRIBER = """
select 'channel' as section, channel_name::text as item, count(*) as views, sum(duration_seconds) / 3600 as watch_hours,
       100 * count(*) / sum(count(*)) over () as value
from counted
where subscriber_code::text = $subscriber and channel_name is not null
group by channel_name
order by views desc, channel_name
"""

_SLOTS_OF_SUBSCRIBER = f"""
select 'slot' as section, slot as item, coalesce(views, 0) as views, $hours[number + 1] as watch_hours,
       100 * coalesce(views, 0) / nullif(sum(views) over (), 0) as value
from (values {SLOT_VALUES}) as slots (number, slot)
left join (
    select local_hour // 6 as number, count(*) as views from counted where subscriber_code::text = $subscriber group by number
) as seen using (number)
order by number
"""

_COMPARISON_OF_SUBSCRIBER = """
with subscribers as (
    select subscriber_code::text = $subscriber as himself, count(*) as views, sum(duration_seconds) / 3600 as watch_hours,
           count(distinct local_date) as active_days, count(distinct channel_name) as unique_channels
    from counted where subscriber_code is not null group by subscriber_code
)
select 'comparison' as section, item, coalesce(sum(figure) filter (himself), 0)::double as value, avg(figure) as reference
from (values (0, 'views'), (1, 'watch_hours'), (2, 'active_days'), (3, 'unique_channels')) as items (position, item)
left join (unpivot subscribers on columns(* exclude himself) into name item value figure) using (item)
group by position, item
order by position
"""


@analysis(
    kind="period",
    parameters=SubscriberPeriod,
    columns=(
        Column("section", "text", "day, trend, channel, slot, comparison or outlier", key=True, of=("subscriber_code",)),
        Column("item", "text", "date, channel, slot or figure", key=True, of=("local_date", "channel_name", "local_hour")),
        VIEWS,
        WATCH_HOURS,
        Column("value", "double precision", "z-score, change or share in percent, or the subscriber's figure", of=DURATION),
        Column("reference", "double precision", "mean figure of all subscribers of the period", of=("subscriber_code",)),
        Column("label", "text", "how the trend or the day that stands out is called", of=("local_date",)),
    ),
)
def subscriber_period(views: Views, parameters: SubscriberPeriod) -> pd.DataFrame:
    """What did one subscriber do in the period?

    Sections, in this order; cells that a section does not use are null:

    - ``day``: every calendar day; value is the z-score of its views, by the population standard deviation of the complete ones,
      and null for the others.
    - ``trend``: change of views per day from the first half of the complete days to the second (the last half of them,
      rounded down), in percent; above +10 it is creciente, below -10 decreciente, else estable. After a first half of
      nothing there is no figure, and any view is growth. One day has no trend.
    - ``channel``: each channel, most views first; value is its share of the views that have a channel.
    - ``slot``: the four parts of the day; views by where they ended, watch time where it was watched; value is the share of the
      views.
    - ``comparison``: views, watch hours, active days and channels (value), and the mean of each over all subscribers of the
      period (reference; null when there are none).
    - ``outlier``: the days more than two standard deviations from the mean, pico above it and valle below.

    A subscriber who was not seen has zeros.
    """
    complete = views.complete_days()
    bound = {
        "subscriber": parameters.subscriber_code,
        "first": views.period.first,
        "last": views.period.last,
        "complete": complete,
        "hours": hours_by_slot(views, parameters.subscriber_code),
    }
    days, channels, slots, comparison = (
        views.query(select, None, **bound)
        for select in (_DAYS_OF_SUBSCRIBER, _CHANNELS_OF_SUBSCRIBER, _SLOTS_OF_SUBSCRIBER, _COMPARISON_OF_SUBSCRIBER)
    )
    outliers = days[days["value"].abs() > OUTLIER_Z].assign(section="outlier")
    outliers["label"] = [_word(z, "pico", "valle") for z in outliers["value"]]
    counts = [int(count) for day, count in zip(days["item"], days["views"], strict=True) if day in complete]
    trend = pd.DataFrame([{"section": "trend", "item": "change_pct", **_halves(counts)}])
    sections = pd.concat([days, trend, channels, slots, comparison, outliers])
    frame = sections[["section", "item", "views", "watch_hours", "value", "reference", "label"]]
    if days["value"].isna().all():
        frame.attrs["facts"] = {"note": "no z-scores: they need two days with different numbers of views"}
    return frame


def _halves(counts: list[int]) -> dict[str, Any]:
    """How views per day changed from the first half of the days to the second, in percent, and what that is called."""
    second_days = len(counts) // 2
    first_days = len(counts) - second_days
    if not second_days:
        return {"value": None, "label": None}
    first, second = sum(counts[:first_days]) * second_days, sum(counts[first_days:]) * first_days
    if not first:
        return {"value": None, "label": _word(second, "creciente", "decreciente")}
    change_pct = 100 * (second - first) / first
    return {"value": change_pct, "label": _word(change_pct, "creciente", "decreciente", TREND_PCT)}
