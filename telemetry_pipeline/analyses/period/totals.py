"""What a period amounts to: as a whole, against the one before, and by day, week or month."""

from __future__ import annotations

import numpy as np
import pandas as pd

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.calendar import GRANULARITY, UNITS, Granularity
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import PeriodParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import (
    AVERAGE_SECONDS,
    DURATION,
    PERIOD_START,
    UNIQUE_CHANNELS,
    UNIQUE_DEVICES,
    UNIQUE_SUBSCRIBERS,
    VIEWS,
    WATCH_HOURS,
)
from telemetry_pipeline.words import stored


class PeriodBreakdown(PeriodParameters):
    """Parameters of :func:`period_breakdown`."""

    granularity: Granularity = GRANULARITY


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
    theme="period",
    parameters=PeriodParameters,
    covers="all",
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
    theme="period",
    parameters=PeriodParameters,
    compares=True,
    base={},
    columns=(
        Column("metric", "text", "views, subscribers (different ones) or watch_hours", key=True, of=DURATION),
        Column("current", "double precision", "the metric in the period", of=("local_date",)),
        Column("previous", "double precision", "the metric in as many days just before", of=("local_date",)),
        Column("change", "double precision", "current less previous", of=("local_date",)),
        Column("change_pct", "double precision", "change against previous; null after 0", unit="percent", of=("local_date",)),
        Column(
            "trend",
            "text",
            f"{stored.INCREASE}, {stored.DECREASE} or {stored.STEADY}, by the sign of the change",
            of=("local_date",),
        ),
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
    frame["trend"] = [stored.by_sign(change, stored.INCREASE, stored.DECREASE) if pairs else None for change in frame["change"]]
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
    theme="period",
    parameters=PeriodBreakdown,
    covers="all",
    base="unique_subscribers",
    columns=(PERIOD_START, VIEWS, UNIQUE_SUBSCRIBERS, UNIQUE_DEVICES, WATCH_HOURS, AVERAGE_SECONDS),
)
def period_breakdown(views: Views, parameters: PeriodBreakdown) -> pd.DataFrame:
    """How does viewing divide over the days, weeks or months of the period?

    One row for each day, ISO week or calendar month with views, in order. Weeks and months at the period's edges hold only
    what the period holds of them.
    """
    return views.query(_PERIOD_BREAKDOWN, unit=UNITS[parameters.granularity])
