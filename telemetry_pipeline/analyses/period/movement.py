"""How a period moved from day to day: the days that stand out, and the trend."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import PeriodParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import DATE, UNIQUE_CHANNELS, UNIQUE_SUBSCRIBERS, VIEWS
from telemetry_pipeline.words import stored


class PeriodEvents(PeriodParameters):
    """Parameters of :func:`period_events`."""

    threshold_std: float = Field(
        default=2, gt=0, le=10, description="standard deviations from the mean beyond which a day is a peak or a valley"
    )


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
    theme="period",
    parameters=PeriodEvents,
    covers="all",
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
    theme="period",
    parameters=PeriodParameters,
    base={},
    columns=(
        Column(
            "direction",
            "text",
            f"{stored.GROWING}, {stored.FALLING} or {stored.STEADY}, by the slope's sign",
            of=("local_date",),
        ),
        Column(
            "strength",
            "text",
            f"{stored.STRONG}, {stored.MODERATE} or {stored.WEAK}, by the slope against the days' spread",
            of=("local_date",),
        ),
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
    """Fit a line by least squares to counts by their days' numbers, in integers so that level is level; add facts of it."""
    n = len(counts)
    if n < 2:
        return dict.fromkeys(("direction", "strength", "slope", "r_squared")), {"note": "a trend needs two complete days"}
    covariance = n * sum(x * y for x, y in counts.items()) - sum(counts) * sum(counts.values())
    days_variance = n * sum(x * x for x in counts) - sum(counts) ** 2
    variance = n * sum(y * y for y in counts.values()) - sum(counts.values()) ** 2
    slope = covariance / days_variance
    relative = abs(slope) / (math.sqrt(variance) / n) if variance else 0
    line = {
        "direction": stored.by_sign(covariance, stored.GROWING, stored.FALLING),
        "strength": stored.STRONG if relative > 0.10 else stored.MODERATE if relative > 0.05 else stored.WEAK,
        "slope": slope,
        "r_squared": covariance**2 / (days_variance * variance) if variance else None,
    }
    return line, {} if variance else {"note": "all days are equal: r_squared is not defined"}
