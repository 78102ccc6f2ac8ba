"""Which subscribers came back after days without a view."""

from __future__ import annotations

from datetime import date

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import DURATION, SUBSCRIBER


class WinBack(GeneralParameters):
    """Parameters of :func:`win_back`."""

    window_days: int | None = Field(
        default=60,
        ge=1,
        le=36_500,
        description="days to look back, the partition's own day included; null for all history",
    )
    days: int = Field(default=7, ge=1, le=366, description="last days of the window in which a return is listed")
    absent_days: int = Field(default=14, ge=1, le=366, description="whole days without a view from which on it is an absence")


_WIN_BACK = """
with subscriber_days as (
    select subscriber_code, local_date, count(*) as views, sum(duration_seconds) as seconds
    from counted
    where subscriber_code is not null
    group by all
), turns as (
    select subscriber_code, local_date, lag(local_date) over (partition by subscriber_code order by local_date) as seen_before
    from subscriber_days
), returns as (
    select subscriber_code, local_date as returned_on, local_date - seen_before - 1 as absent_days,
           exists (
               from unnest($unknown::date[]) as unknown (day) where day > seen_before and day < local_date
           ) as is_unclear
    from turns
    where local_date >= $earliest and local_date - seen_before > $absent_days
), latest as (
    select * from returns
    qualify row_number() over (partition by subscriber_code order by is_unclear, returned_on desc) = 1
)
select subscriber_code, returned_on, absent_days, sum(views) filter (local_date >= returned_on) as views,
       sum(seconds) filter (local_date >= returned_on) / 3600 as watch_hours,
       sum(views) filter (local_date < returned_on) as views_before, is_unclear
from latest join subscriber_days using (subscriber_code)
group by subscriber_code, returned_on, absent_days, is_unclear
order by watch_hours desc, subscriber_code
"""
_RETURN = ("local_date",)


@analysis(
    theme="subscribers",
    parameters=WinBack,
    columns=(
        SUBSCRIBER,
        Column("returned_on", "date", "day of the first view after the absence", of=_RETURN),
        Column("absent_days", "bigint", "whole days without a view before the return", unit="days", of=_RETURN),
        Column("views", "bigint", "views since the return", unit="views", of=(*_RETURN, *DURATION)),
        Column("watch_hours", "double precision", "time watched since the return", unit="hours", of=(*_RETURN, *DURATION)),
        Column("views_before", "bigint", "views of the window before the return", unit="views", of=(*_RETURN, *DURATION)),
    ),
)
def win_back(views: Views, parameters: WinBack) -> pd.DataFrame:
    """Which subscribers came back after an absence?

    Those who had a view in one of the last ``days`` days of the window, none in at least ``absent_days`` whole days before it,
    and some before that; a view is of the day in which it ended. Who has no view before in the window is new, and did not come
    back. Of several returns in these days the latest is told.

    An absence with a day in it that is not complete (not read to its end, or with a gap) is not claimed, for there may have
    been views: such subscribers are counted as unclear, not listed. The day of the return, and the last one before the absence,
    need not be complete. Who watched most since comes first, equals by code.
    """
    last = views.period.last
    earliest = date.fromordinal(max(1, last.toordinal() - parameters.days + 1))
    unknown = [day.date.isoformat() for day in views.days() if not day.complete]
    found = views.query(_WIN_BACK, earliest=earliest, unknown=unknown, absent_days=parameters.absent_days)
    listed = found[~found["is_unclear"].astype(bool)].drop(columns="is_unclear")
    listed.attrs["facts"] = {"unclear_subscribers": len(found) - len(listed)}
    return listed
