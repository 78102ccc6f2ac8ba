"""What one subscriber did in a period."""

from __future__ import annotations

from typing import Any

import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.dayparts import SLOT_VALUES, hours_by_slot
from telemetry_pipeline.analyses.framework.declaration import PeriodParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import DURATION, VIEWS, WATCH_HOURS
from telemetry_pipeline.words import stored

OUTLIER_Z = 2
"""Beyond how many standard deviations from the mean a day of a subscriber stands out."""
TREND_PCT = 10
"""From which change between halves on a subscriber's viewing grows or falls."""


class SubscriberPeriod(PeriodParameters):
    """Parameters of :func:`subscriber_period`."""

    subscriber_code: str = Field(min_length=1, max_length=1_000, description="code of the subscriber to look at")


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
    theme="period",
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
    outliers["label"] = [stored.by_sign(z, stored.PEAK, stored.VALLEY) for z in outliers["value"]]
    counts = [int(count) for day, count in zip(days["item"], days["views"], strict=True) if day in complete]
    trend = pd.DataFrame([{"section": "trend", "item": "change_pct", **_halves(counts)}])
    sections = pd.concat([days, trend, channels, slots, comparison, outliers])
    frame = sections[["section", "item", "views", "watch_hours", "value", "reference", "label"]]
    if days["value"].isna().all():
        frame.attrs["facts"] = {"note": "no z-scores: they need two days with different numbers of views"}
    return frame


def _halves(counts: list[int]) -> dict[str, Any]:
    """Return how views per day changed from the first half of the days to the second, in percent, and what that is called."""
    second_days = len(counts) // 2
    first_days = len(counts) - second_days
    if not second_days:
        return {"value": None, "label": None}
    first, second = sum(counts[:first_days]) * second_days, sum(counts[first_days:]) * first_days
    if not first:
        return {"value": None, "label": stored.by_sign(second, stored.GROWING, stored.FALLING)}
    change_pct = 100 * (second - first) / first
    return {"value": change_pct, "label": stored.by_sign(change_pct, stored.GROWING, stored.FALLING, TREND_PCT)}
