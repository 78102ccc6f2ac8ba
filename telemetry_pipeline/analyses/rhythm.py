"""Analyses by time: how viewing moves over days, weeks and months, and over the hours of the day."""

from __future__ import annotations

from typing import Literal

import pandas as pd
import sqlalchemy as sa
from pydantic import Field

from telemetry_pipeline.analyses.registry import GeneralParameters, Period, analysis
from telemetry_pipeline.analyses.views import query
from telemetry_pipeline.warehouse.columns import Column

_VIEWS = Column("views", "bigint", "views that have a duration", unit="views")
_WATCH_HOURS = Column("watch_hours", "double precision", "time watched", unit="hours")


class ViewingByPeriod(GeneralParameters):
    """Parameters of :func:`viewing_by_period`."""

    granularity: Literal["daily", "weekly", "monthly"] = Field(
        default="daily", description="one row per day, per week (from Monday) or per calendar month"
    )


# 0001-01-01 is a Monday and the first day that Python can name. Integers, because date_trunc('week', ...) takes a third
# longer over the whole question.
_PERIOD_STARTS = {
    "daily": "local_date",
    "weekly": "date '0001-01-01' + (local_date - date '0001-01-01') / 7 * 7",
    "monthly": "date_trunc('month', local_date::timestamp)::date",
}
_VIEWING_BY_PERIOD = """
select period_start, sum(views)::bigint as views, count(subscriber_code) as unique_subscribers,
       sum(seconds) / 3600.0::double precision as watch_hours
from (
    select {period_start} as period_start, subscriber_code, count(*) as views, sum(duration_seconds) as seconds
    from counted
    group by 1, 2
) as by_subscriber
group by period_start
order by period_start
"""


@analysis(
    parameters=ViewingByPeriod,
    columns=(
        Column("period_start", "date", "the day, the week's Monday or the first of the month", key=True),
        _VIEWS,
        Column("unique_subscribers", "bigint", "subscribers with a view", unit="subscribers"),
        _WATCH_HOURS,
    ),
)
def viewing_by_period(connection: sa.Connection, period: Period, parameters: ViewingByPeriod) -> pd.DataFrame:
    """How does viewing develop from day to day, week to week or month to month?

    One row for each day, week or month with views, in order. Weeks and months at the window's edges hold only what the
    window holds of them.
    """
    select = _VIEWING_BY_PERIOD.format(period_start=_PERIOD_STARTS[parameters.granularity])
    return query(connection, period, select)


_TIME_SLOTS = """
select slot, coalesce(views, 0) as views, coalesce(seconds, 0) / 3600.0::double precision as watch_hours,
       100.0::double precision * coalesce(views, 0) / nullif(sum(views) over (), 0)::double precision as share_pct
from (values (0, 'madrugada'), (1, 'mañana'), (2, 'tarde'), (3, 'noche')) as slots (quarter, slot)
left join (
    select local_hour / 6 as quarter, count(*) as views, sum(duration_seconds) as seconds from counted group by 1
) as seen using (quarter)
order by quarter
"""


@analysis(
    parameters=GeneralParameters,
    columns=(
        Column("slot", "text", "madrugada 0-5 h, mañana 6-11 h, tarde 12-17 h, noche 18-23 h", key=True),
        _VIEWS,
        _WATCH_HOURS,
        Column("share_pct", "double precision", "part of all views; null when nothing was seen", unit="percent"),
    ),
)
def time_slots(connection: sa.Connection, period: Period, parameters: GeneralParameters) -> pd.DataFrame:
    """In which part of the day is viewing strongest?

    Views and watch time of madrugada, mañana, tarde and noche over the window, by the hour in which a view ended;
    always all four.
    """
    return query(connection, period, _TIME_SLOTS)
