"""Analyses by time: how viewing moves over days, weeks and months, and over the hours of the day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.calendar import GRANULARITY, UNITS, Granularity
from telemetry_pipeline.analyses.framework.clock import Day
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.dayparts import SLOT_VALUES, hours_by_slot
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.marks import BASE
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    DATE,
    PERIOD_START,
    UNIQUE_SUBSCRIBERS,
    VIEWS,
    WATCH_HOURS,
)
from telemetry_pipeline.words import stored


class ViewingByPeriod(GeneralParameters):
    """Parameters of :func:`viewing_by_period`."""

    granularity: Granularity = GRANULARITY


class Anomalies(GeneralParameters):
    """Parameters of :func:`anomalies`."""

    threshold_std: float = Field(default=3, gt=0, le=10, description="standard deviations from the mean that are unusual")


_VIEWING_BY_PERIOD = """
select date_trunc($unit, local_date)::date as period_start, count(*) as views,
       count(distinct subscriber_code) as unique_subscribers, sum(duration_seconds) / 3600 as watch_hours
from counted
group by period_start
order by period_start
"""


@analysis(
    parameters=ViewingByPeriod,
    covers="all",
    base="unique_subscribers",
    columns=(PERIOD_START, VIEWS, UNIQUE_SUBSCRIBERS, WATCH_HOURS),
)
def viewing_by_period(views: Views, parameters: ViewingByPeriod) -> pd.DataFrame:
    """How does viewing develop from day to day, week to week or month to month?

    One row for each day, week or month with views, in order. Weeks and months at the window's edges hold only what the
    window holds of them.
    """
    return views.query(_VIEWING_BY_PERIOD, unit=UNITS[parameters.granularity])


_TIME_SLOTS = f"""
select slot, coalesce(views, 0) as views, $hours[number + 1] as watch_hours,
       100 * coalesce(views, 0) / nullif(sum(views) over (), 0) as share_pct, coalesce(subscribers, 0) as base_subscribers
from (values {SLOT_VALUES}) as slots (number, slot)
left join (
    select local_hour // 6 as number, count(*) as views, count(distinct subscriber_code) as subscribers
    from counted group by number
) as seen using (number)
order by number
"""


@analysis(
    parameters=GeneralParameters,
    covers="all",
    base=BASE,
    columns=(
        Column(
            "slot",
            "text",
            f"{stored.SMALL_HOURS} 0-5 h, {stored.MORNING} 6-11 h, {stored.AFTERNOON} 12-17 h, {stored.EVENING} 18-23 h",
            key=True,
            of=("local_hour",),
            role="time",
        ),
        replace(VIEWS, description="views that have a duration and ended in it"),
        replace(WATCH_HOURS, description="time watched in it, wherever its view ended"),
        Column(
            "share_pct", "double precision", "part of all views; null when nothing was seen", unit="percent", of=("local_hour",)
        ),
    ),
)
def time_slots(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """In which part of the day is viewing strongest?

    Madrugada, mañana, tarde and noche, always all four. Views of the window are counted in the part of the day in which they
    ended; their watch time is divided over the hours of the clock in which it was watched.
    """
    return views.query(_TIME_SLOTS, hours=hours_by_slot(views))


_VIEWS_BY_DAY = "select local_date as date, count(*) as views from counted group by local_date"
_VIEWS_UNTIL = "select count(*) as views from counted where local_date = $day and ended_at < $until"


@analysis(
    parameters=GeneralParameters,
    covers="all",
    base={"date": "local_date"},
    columns=(
        DATE,
        VIEWS,
        Column(
            "previous_views",
            "bigint",
            "those of the day before, of a provisional day's up to the same hour; null on the first day",
            unit="views",
            of=DATE.of,
        ),
        Column("change", "bigint", "views more than on the day before, as far as both are known", unit="views", of=DATE.of),
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
    day with views. Empty when nothing was seen at all. The first day of the window is compared with nothing. A provisional day
    is compared with the same elapsed part of the day before. A day of which a part is unknown, which the first day of data and
    those with a gap are, is compared with none.
    """
    counts = {day.date(): int(count) for day, count in views.query(_VIEWS_BY_DAY).itertuples(index=False)}
    days = views.days() if counts else []
    compared = {pair.day.date: pair for pair in clock.pairs(days[1:], days[:-1])}
    rows = []
    for before, day in zip([None, *days], days, strict=False):
        count, previous, change = counts.get(day.date, 0), None, None
        if before is not None:
            until = before.start + day.elapsed if day.is_provisional else before.end
            previous = _count_until(views, counts, before, until)
        if pair := compared.get(day.date):
            change = _count_until(views, counts, pair.day, pair.until) - _count_until(
                views, counts, pair.partner, pair.partner_until
            )
        change_pct = 100 * change / previous if change is not None and previous else None
        rows.append((day.date, count, previous, change, change_pct))
    return pd.DataFrame(rows, columns=["date", "views", "previous_views", "change", "change_pct"])


def _count_until(views: Views, counts: Mapping[date, int], day: Day, until: datetime) -> int:
    """Return the views of a day that ended before a moment."""
    if until >= day.end:
        return counts.get(day.date, 0)
    return int(views.query(_VIEWS_UNTIL, day=day.date, until=until)["views"].iloc[0])


# Of whole numbers until the last step, so that a day at exactly the threshold is not beyond it by a rounding error.
_DEVIATIONS = """
with daily as (
    select local_date as date, count(*) as views from counted
    where local_date in (select unnest($complete::date[])) group by local_date
),
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
    base={"date": "local_date"},
    columns=(
        DATE,
        VIEWS,
        Column("mean", "double precision", "mean of the complete days that have views", unit="views", of=DATE.of),
        Column("std", "double precision", "population standard deviation of these days", unit="views", of=DATE.of),
        Column("z_score", "double precision", "distance from the mean", unit="standard deviations", of=DATE.of),
        Column("direction", "text", "above or below the mean", of=DATE.of),
    ),
)
def anomalies(views: Views, parameters: Anomalies) -> pd.DataFrame:
    """On which days was unusually much or little watched?

    The days whose views are more than so many standard deviations from the mean, in order. Mean and deviation (of the
    population) are over the complete days of the window that have views; when these are fewer than two, or all alike, no day is
    unusual.
    """
    daily = views.query(_DEVIATIONS, complete=views.complete_days())
    unusual = daily[daily["z_score"].abs() > parameters.threshold_std]
    if daily["z_score"].isna().all():
        unusual.attrs["facts"] = {"note": "no z-scores: they need two days with different numbers of views"}
    return unusual
