"""The analysis that looks ahead: what the days to come would be like if nothing but the trend went on."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.marks import BASE
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import DATE

_LEAST_DAYS = 3
_Z_95 = 1.96


class ViewingForecast(GeneralParameters):
    """Parameters of :func:`viewing_forecast`."""

    window_days: int | None = Field(
        default=90, ge=1, le=36_500, description="days that the trend is of, the partition's own included; null for all history"
    )
    channel: str | None = Field(default=None, min_length=1, description="only this channel; null for all views")
    forecast_days: int = Field(default=7, ge=1, le=90, description="days to forecast")


_SEEN = """
select local_date as date, count(*) as views from counted
where $channel is null or channel_name::text = $channel
group by local_date
"""
_SUBSCRIBERS = """
select count(distinct subscriber_code) as subscribers from counted where $channel is null or channel_name::text = $channel
"""
_COLUMNS = ["date", "views", "moving_average_7d", "trend", "forecast", "lower", "upper", "kind"]


@analysis(
    parameters=ViewingForecast,
    base=BASE,
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

    The history is every calendar day from the window's first day with views (of the channel, if one is given) to its last
    complete day, with its moving average over seven days, or as many as there are yet. The trend is the line of least squares
    through it, and the forecast follows that; it begins with the day after, which may be a provisional one. Its bounds are 1.96
    standard deviations of the history from the line (n - 2 degrees of freedom) away. Days that are not complete are shown and
    take no part. Fewer than three complete days have no trend.
    """
    seen = {day.date(): int(count) for day, count in views.query(_SEEN, channel=parameters.channel).itertuples(index=False)}
    days = [day for day in views.days() if seen and day.date >= min(seen)]
    complete = [day.date for day in days if day.complete]
    last = complete[-1] if complete else views.period.last
    history = [day.date for day in days if day.date <= last]
    dates = history + [last + timedelta(days=n + 1) for n in range(parameters.forecast_days if history else 0)]
    frame = pd.DataFrame({"date": pd.Series(dates, dtype=object)}).reindex(columns=_COLUMNS)
    frame[BASE] = views.query(_SUBSCRIBERS, channel=parameters.channel)["subscribers"].iloc[0]
    frame["kind"] = ["history" if day <= last else "forecast" for day in dates]
    frame["views"] = pd.array([seen.get(day, 0) if day <= last else None for day in dates], dtype="Int64")
    counted = pd.Series([float(seen.get(day, 0)) if day in set(complete) else np.nan for day in history], dtype=float)
    frame["moving_average_7d"] = counted.rolling(7, min_periods=1).mean().reindex(frame.index)
    if len(complete) < _LEAST_DAYS:
        note = f"no trend: it needs {_LEAST_DAYS} complete days of history, and there are {len(complete)}"
        frame.attrs["facts"] = {"note": note}
        return frame
    day = np.arange(len(dates))
    known = counted.notna().to_numpy()
    slope, intercept = np.polyfit(day[: len(history)][known], counted[known], 1)
    trend = slope * day + intercept
    error = np.sqrt(np.sum((counted[known] - trend[: len(history)][known]) ** 2) / (len(complete) - 2))
    forecast = np.where(day < len(history), np.nan, trend.clip(min=0))
    margin = _Z_95 * error
    return frame.assign(trend=trend, forecast=forecast, lower=(forecast - margin).clip(min=0), upper=forecast + margin)
