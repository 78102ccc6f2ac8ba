"""Watch time by the operator's clock: in which hours and parts of the day it was watched, wherever its view ended.

A view is counted where it ended, and its watch time lies where it was watched: from its start to the end of what counts of it,
across midnights and changes of the clock. Both add up to the totals of the views.
"""

from __future__ import annotations

from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.words import stored

SLOTS = (stored.SMALL_HOURS, stored.MORNING, stored.AFTERNOON, stored.EVENING)
"""The parts of the day, of six hours each, from midnight on."""
SLOT_VALUES = ", ".join(f"({number}, '{slot}')" for number, slot in enumerate(SLOTS))
"""Them as rows of SQL: number, name."""

# Each view's piece between two changes of the clock, in seconds of that clock since a day long ago. What of an hour of the day
# lies before a moment is known from its day and its second of the day; what lies between two moments is the difference.
_MOMENTS = """
with pieces as (
    select greatest(epoch_us(started_at), epoch_us(span_start)) // 1000000 + offset_seconds + 8640000000 as begins,
           least(epoch_us(watched_until), epoch_us(span_end)) // 1000000 + offset_seconds + 8640000000 as ends
    from counted join offsets on started_at < span_end and watched_until > span_start
    where $subscriber is null or subscriber_code::text = $subscriber
)
select ends % 86400 // 3600 as hour, count(*) as moments, sum(ends % 86400) as seconds, sum(ends // 86400) as days
from pieces group by hour
union all
select begins % 86400 // 3600, -count(*), -sum(begins % 86400), -sum(begins // 86400) from pieces group by all
"""


def seconds_by_hour(views: Views, subscriber: str | None = None) -> list[int]:
    """Return how long was watched in each of the 24 hours of the local day, in seconds.

    An hour that a change of the clock gives twice counts both times.

    :param subscriber: only his views; None: all.
    """
    watched = [0] * 24
    found = views.query(_MOMENTS, {"offsets": views.offsets()}, subscriber=subscriber)
    for of, moments, seconds, days in found.itertuples(index=False):
        for hour in range(24):
            within = 3600 * moments if of > hour else seconds - 3600 * hour * moments if of == hour else 0
            watched[hour] += int(days) * 3600 + int(within)
    return watched


def hours_by_slot(views: Views, subscriber: str | None = None) -> list[float]:
    """Return the same for the four parts of the day, in hours."""
    by_hour = seconds_by_hour(views, subscriber)
    return [sum(by_hour[6 * number : 6 * number + 6]) / 3600 for number in range(len(SLOTS))]
