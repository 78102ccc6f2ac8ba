"""The analysis that looks ahead: what the days to come would be like if nothing but the trend went on."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.registry import GeneralParameters, analysis
from telemetry_pipeline.analyses.views import Views
from telemetry_pipeline.analyses.vocabulary import DATE
from telemetry_pipeline.warehouse.columns import Column

_LEAST_DAYS = 3
_Z_95 = 1.96


class ViewingForecast(GeneralParameters):
    """Parameters of :func:`viewing_forecast`."""

    window_days: int | None = Field(
        default=90, ge=1, le=36_500, description="days that the trend is of, the partition's own included; null for all history"
    )
    channel: str | None = Field(default=None, min_length=1, description="only this channel; null for all views")
    forecast_days: int = Field(default=7, ge=1, le=90, description="days to forecast")


_DAYS = """
with seen as (
    select local_date as date, count(*) as views from counted
    where $channel is null or channel_name::text = $channel
    group by local_date
),
days as (select unnest(generate_series(min(date), $last + $forecast_days::int, interval 1 day))::date as date from seen),
daily as (select date, if(date <= $last, coalesce(views, 0), null) as views from days left join seen using (date))
select date, views, if(date <= $last, avg(views) over (order by date rows 6 preceding), null) as moving_average_7d,
       null::double as trend, null::double as forecast, null::double as lower, null::double as upper,
       if(date <= $last, 'history', 'forecast') as kind
from daily
order by date
"""


@analysis(
    parameters=ViewingForecast,
    columns=(
        DATE,
        Column("views", "bigint", "views that have a duration; null in the forecast", unit="views", of=DATE.of),
        Column(
            "moving_average_7d", "double precision", "mean of the seven days that end on this one", unit="views", of=DATE.of
        ),
        Column("trend", "double precision", "straight line of least squares through the history", unit="views", of=DATE.of),
        Column("forecast", "double precision", "the trend, but not below 0; null in the history", unit="views", of=DATE.of),
        Column("lower", "double precision", "lower bound of the forecast (95 %), not below 0", unit="views", of=DATE.of),
        Column("upper", "double precision", "upper bound of the forecast (95 %)", unit="views", of=DATE.of),
        Column("kind", "text", "history or forecast", of=DATE.of),
    ),
)
def viewing_forecast(views: Views, parameters: ViewingForecast) -> pd.DataFrame:
    """How much will be watched on the next days if the trend goes on?

    The history is every calendar day from the window's first day with views (of the channel, if one is given) to its end,
    with its moving average over seven days, or as many as there are yet. The trend is the line of least squares through it,
    and the forecast follows that. Its bounds are 1.96 standard deviations of the history from the line (n - 2 degrees of
    freedom) away. Fewer than three days of history have no trend.
    """
    days = views.query(_DAYS, channel=parameters.channel, last=views.period.last, forecast_days=parameters.forecast_days)
    history = days["views"].dropna().to_numpy(dtype=float)
    if len(history) < _LEAST_DAYS:
        days.attrs["facts"] = {"note": f"no trend: it needs {_LEAST_DAYS} days of history, and there are {len(history)}"}
        return days
    day = np.arange(len(days))
    slope, intercept = np.polyfit(day[: len(history)], history, 1)
    trend = slope * day + intercept
    error = np.sqrt(np.sum((history - trend[: len(history)]) ** 2) / (len(history) - 2))
    forecast = np.where(day < len(history), np.nan, trend.clip(min=0))
    margin = _Z_95 * error
    return days.assign(trend=trend, forecast=forecast, lower=(forecast - margin).clip(min=0), upper=forecast + margin)
