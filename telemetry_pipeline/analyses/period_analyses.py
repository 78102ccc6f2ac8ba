"""Analyses of exactly the days of a run: what happened in them, by whom and on what, and how it moved from day to day.

Days of the period on which nothing was seen are days of it all the same, where a definition says so. Analyses that look
back from a day are in the modules of their subjects.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
from pydantic import Field

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
from telemetry_pipeline.warehouse.columns import Column

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
       max(duration_seconds) as max_seconds, min(duration_seconds) as min_seconds, count(*) / $days as views_per_day
from counted
"""


@analysis(
    kind="period",
    parameters=PeriodParameters,
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
        Column("views_per_day", "double precision", "views per calendar day", unit="views", of=("local_date",)),
    ),
)
def period_summary(views: Views, parameters: PeriodParameters) -> pd.DataFrame:
    """What did the period amount to?

    One row of totals; without views all zeros, and mean, longest and shortest duration null. ``views_per_day`` is of all
    calendar days of the period.
    """
    return views.query(_PERIOD_SUMMARY, days=views.period.length)


_COMPARED = """
select metric, value::double as value
from (
    select count(*) as views, count(distinct subscriber_code) as subscribers,
           coalesce(sum(duration_seconds), 0) / 3600 as watch_hours
    from counted
) as totals, lateral (values (0, 'views', views), (1, 'subscribers', subscribers), (2, 'watch_hours', watch_hours))
    as metrics (position, metric, value)
order by position
"""


@analysis(
    kind="period",
    parameters=PeriodParameters,
    compares=True,
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

    Views, subscribers and watch time of the period against those of as many days just before it. ``change_pct`` is null
    where there was nothing before.
    """
    frame = views.query(_COMPARED).rename(columns={"value": "current"})
    frame["previous"] = views.of(views.period.before()).query(_COMPARED)["value"]
    frame["change"] = frame["current"] - frame["previous"]
    frame["change_pct"] = 100 * frame["change"] / frame["previous"].where(frame["previous"] != 0)
    frame["trend"] = [_word(change, "aumento", "disminución") for change in frame["change"]]
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
           count(distinct subscriber_code) as unique_subscribers
    from counted group by local_date
), deviations as (
    select *, count(*) over () as n, n * views - sum(views) over () as deviation from days
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

    Every day with views. Its z-score is (views - mean) / sample standard deviation, both over the period's days that have
    views; a day beyond the threshold is a peak or a valley. With fewer than two days, or when all are equal, there is no
    z-score, and none is either.
    """
    frame = views.query(_PERIOD_EVENTS, threshold=parameters.threshold_std)
    if frame["z_score"].isna().any():
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
    columns=(
        Column("direction", "text", "creciente, decreciente or estable, by the slope's sign", of=("local_date",)),
        Column("strength", "text", "fuerte, moderada or débil, by the slope against the days' spread", of=("local_date",)),
        Column("slope", "double precision", "change of a day's views from day to day", unit="views a day", of=("local_date",)),
        Column("r_squared", "double precision", "part of the days' variance that the line explains", of=("local_date",)),
        Column("first_day_views", "bigint", "views of the first day", unit="views", of=("local_date",)),
        Column("last_day_views", "bigint", "views of the last day", unit="views", of=("local_date",)),
        Column("change", "bigint", "last day less first day", unit="views", of=("local_date",)),
        Column(
            "change_pct", "double precision", "change against the first day; null after 0", unit="percent", of=("local_date",)
        ),
    ),
)
def period_trend(views: Views, parameters: PeriodParameters) -> pd.DataFrame:
    """Did viewing grow or fall over the period?

    The line of least squares through the views of every calendar day, 0 where nothing was seen. Strength is the slope's size
    against the days' population standard deviation: fuerte above 10 %, moderada above 5 %, débil below or when all days are
    equal; ``r_squared`` is null then. One day has no line: direction, strength, slope and ``r_squared`` are null.
    """
    counts = [int(count) for count in views.query(_VIEWS_BY_DAY, first=views.period.first, last=views.period.last)["views"]]
    first, last = counts[0], counts[-1]
    line, facts = _line(counts)
    change_pct = 100 * (last - first) / first if first else None
    days = {"first_day_views": first, "last_day_views": last, "change": last - first, "change_pct": change_pct}
    frame = pd.DataFrame([{**line, **days}])
    frame.attrs["facts"] = facts
    return frame


def _line(counts: list[int]) -> tuple[dict[str, Any], dict[str, str]]:
    """Least squares through the counts of successive days, in whole numbers so that level is level; and facts about it."""
    n = len(counts)
    if n == 1:
        return dict.fromkeys(("direction", "strength", "slope", "r_squared")), {"note": "one day has no trend"}
    covariance = n * sum(x * y for x, y in enumerate(counts)) - sum(range(n)) * sum(counts)
    days_variance = n * sum(x * x for x in range(n)) - sum(range(n)) ** 2
    variance = n * sum(y * y for y in counts) - sum(counts) ** 2
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
), deviations as (
    select *, count(*) over () as n, n * views - sum(views) over () as deviation from days
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

_SLOTS_OF_SUBSCRIBER = """
select 'slot' as section, slot as item, coalesce(views, 0) as views, coalesce(seconds, 0) / 3600 as watch_hours,
       100 * coalesce(views, 0) / nullif(sum(views) over (), 0) as value
from (values (0, 'madrugada'), (1, 'mañana'), (2, 'tarde'), (3, 'noche')) as slots (quarter, slot)
left join (
    select local_hour // 6 as quarter, count(*) as views, sum(duration_seconds) as seconds
    from counted where subscriber_code::text = $subscriber group by quarter
) as seen using (quarter)
order by quarter
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

    - ``day``: every calendar day; value is the z-score of its views, by the population standard deviation of all of them.
    - ``trend``: change of views per day from the first half of the period to the second (the last half of the days,
      rounded down), in percent; above +10 it is creciente, below -10 decreciente, else estable. After a first half of
      nothing there is no figure, and any view is growth. One day has no trend.
    - ``channel``: each channel, most views first; value is its share of the views that have a channel.
    - ``slot``: the four parts of the day; value is the share of the views.
    - ``comparison``: views, watch hours, active days and channels (value), and the mean of each over all subscribers of the
      period (reference; null when there are none).
    - ``outlier``: the days more than two standard deviations from the mean, pico above it and valle below.

    A subscriber who was not seen has zeros.
    """
    days, channels, slots, comparison = (
        views.query(select, subscriber=parameters.subscriber_code, first=views.period.first, last=views.period.last)
        for select in (_DAYS_OF_SUBSCRIBER, _CHANNELS_OF_SUBSCRIBER, _SLOTS_OF_SUBSCRIBER, _COMPARISON_OF_SUBSCRIBER)
    )
    outliers = days[days["value"].abs() > OUTLIER_Z].assign(section="outlier")
    outliers["label"] = [_word(z, "pico", "valle") for z in outliers["value"]]
    trend = pd.DataFrame([{"section": "trend", "item": "change_pct", **_halves([int(count) for count in days["views"]])}])
    sections = pd.concat([days, trend, channels, slots, comparison, outliers])
    frame = sections[["section", "item", "views", "watch_hours", "value", "reference", "label"]]
    if days["value"].isna().any():
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
