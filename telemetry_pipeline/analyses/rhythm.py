"""Analyses by time: how viewing moves over days, weeks and months, and over the hours of the day."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.registry import GeneralParameters, analysis
from telemetry_pipeline.analyses.views import Views
from telemetry_pipeline.analyses.vocabulary import DATE, PERIOD_START, UNIQUE_SUBSCRIBERS, VIEWS, WATCH_HOURS
from telemetry_pipeline.warehouse.columns import Column

Granularity = Literal["daily", "weekly", "monthly"]
GRANULARITY: Any = Field(default="daily", description="one row per day, per week (from Monday) or per calendar month")
UNITS: dict[Granularity, str] = {"daily": "day", "weekly": "week", "monthly": "month"}
"""As ``date_trunc`` calls them; its weeks begin on Monday."""


class ViewingByPeriod(GeneralParameters):
    """Parameters of :func:`viewing_by_period`."""

    granularity: Granularity = GRANULARITY


class Anomalies(GeneralParameters):
    """Parameters of :func:`anomalies`."""

    threshold_std: float = Field(default=3, gt=0, le=10, description="standard deviations from the mean that are unusual")


def days_in_period(views: Views) -> int:
    """How many days the period has; all history begins on the first day with views, and has 0 if there is none."""
    if views.period.first > date.min:
        return views.period.length
    [days] = views.query("select coalesce($last - min(local_date) + 1, 0) as n from counted", last=views.period.last)["n"]
    return int(days)


_VIEWING_BY_PERIOD = """
select date_trunc($unit, local_date)::date as period_start, count(*) as views,
       count(distinct subscriber_code) as unique_subscribers, sum(duration_seconds) / 3600 as watch_hours
from counted
group by period_start
order by period_start
"""


@analysis(parameters=ViewingByPeriod, columns=(PERIOD_START, VIEWS, UNIQUE_SUBSCRIBERS, WATCH_HOURS))
def viewing_by_period(views: Views, parameters: ViewingByPeriod) -> pd.DataFrame:
    """How does viewing develop from day to day, week to week or month to month?

    One row for each day, week or month with views, in order. Weeks and months at the window's edges hold only what the
    window holds of them.
    """
    return views.query(_VIEWING_BY_PERIOD, unit=UNITS[parameters.granularity])


_TIME_SLOTS = """
select slot, coalesce(views, 0) as views, coalesce(seconds, 0) / 3600 as watch_hours,
       100 * coalesce(views, 0) / nullif(sum(views) over (), 0) as share_pct
from (values (0, 'madrugada'), (1, 'mañana'), (2, 'tarde'), (3, 'noche')) as slots (quarter, slot)
left join (
    select local_hour // 6 as quarter, count(*) as views, sum(duration_seconds) as seconds from counted group by quarter
) as seen using (quarter)
order by quarter
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        Column("slot", "text", "madrugada 0-5 h, mañana 6-11 h, tarde 12-17 h, noche 18-23 h", key=True, of=("local_hour",)),
        VIEWS,
        WATCH_HOURS,
        Column(
            "share_pct", "double precision", "part of all views; null when nothing was seen", unit="percent", of=("local_hour",)
        ),
    ),
)
def time_slots(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """In which part of the day is viewing strongest?

    Views and watch time of madrugada, mañana, tarde and noche over the window, by the hour in which a view ended;
    always all four.
    """
    return views.query(_TIME_SLOTS)


_DAY_OVER_DAY = """
with seen as (select local_date as date, count(*) as views from counted group by local_date),
daily as (
    select days.date, coalesce(seen.views, 0) as views, lag(coalesce(seen.views, 0)) over (order by days.date) as previous_views
    from (select unnest(generate_series($first, $last, interval 1 day))::date as date) as days
    left join seen using (date)
    where exists (from counted)
)
select *, views - previous_views as change, 100 * (views - previous_views) / nullif(previous_views, 0) as change_pct
from daily
order by date
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        DATE,
        VIEWS,
        Column("previous_views", "bigint", "those of the day before; null on the first day", unit="views", of=DATE.of),
        Column("change", "bigint", "views more than on the day before", unit="views", of=DATE.of),
        Column(
            "change_pct",
            "double precision",
            "change as a part of the day before; null after a day without views",
            unit="percent",
            of=DATE.of,
        ),
    ),
)
def day_over_day(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How much more or less was watched on each day than on the day before?

    One row for each calendar day of the window, those on which nothing was seen included; all history begins on the first
    day with views. Empty when nothing was seen at all. The first day of the window is compared with nothing.
    """
    last = views.period.last
    return views.query(_DAY_OVER_DAY, first=last - timedelta(days=days_in_period(views) - 1), last=last)


# Of whole numbers until the last step, so that a day at exactly the threshold is not beyond it by a rounding error.
_DEVIATIONS = """
with daily as (select local_date as date, count(*) as views from counted group by local_date),
whole as (
    select count(*) as days, sum(views) as total, nullif(sqrt(days * sum(views * views) - total * total), 0) as spread
    from daily
)
select date, views, total / days as mean, spread / days as std, (days * views - total) / spread as z_score,
       if(days * views > total, 'above', 'below') as direction
from daily cross join whole
order by date
"""


@analysis(
    parameters=Anomalies,
    columns=(
        DATE,
        VIEWS,
        Column("mean", "double precision", "mean of the days that have views", unit="views", of=DATE.of),
        Column("std", "double precision", "population standard deviation of these days", unit="views", of=DATE.of),
        Column("z_score", "double precision", "distance from the mean", unit="standard deviations", of=DATE.of),
        Column("direction", "text", "above or below the mean", of=DATE.of),
    ),
)
def anomalies(views: Views, parameters: Anomalies) -> pd.DataFrame:
    """On which days was unusually much or little watched?

    The days whose views are more than so many standard deviations from the mean, in order. Mean and deviation (of the
    population) are over the days of the window that have views; when these are fewer than two, or all alike, no day is
    unusual.
    """
    daily = views.query(_DEVIATIONS)
    unusual = daily[daily["z_score"].abs() > parameters.threshold_std]
    if daily["z_score"].isna().all():
        unusual.attrs["facts"] = {"note": "no z-scores: they need two days with different numbers of views"}
    return unusual
