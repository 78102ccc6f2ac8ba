"""How long a view counts: a box that is left on is watched by nobody."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from telemetry_pipeline.days import Completeness

AUTO_DAYS = 28
LEAST_SECONDS = 4 * 3600
"""What an automatic cap leaves of every view."""
LOOK_AHEAD = timedelta(hours=24)
"""How long after a span the views may have ended that count as running in it. No cap makes it shorter: a box that is left on
is reported when it is switched off, long after what counts of it was over."""

_NO_SECONDS = 2**31 - 1
_SEARCHED_DAYS = 400

CAPS = f"""
create or replace temporary table caps as
select channel_name as channel, local_hour // 6 as daypart,
       greatest({LEAST_SECONDS}, round(quantile_cont(duration_seconds, 0.99)))::integer as seconds
from views
where duration_seconds is not null and local_date in (select unnest($days::date[]))
group by channel, daypart
"""
CAPPED_VIEWS = f"""
(select views.*, coalesce(caps.seconds, {LEAST_SECONDS}) as cap_seconds from views
 left join caps on caps.channel is not distinct from channel_name and caps.daypart = local_hour // 6)
"""


@dataclass(frozen=True)
class Cap:
    """VIEW_CAP_HOURS.

    :ivar hours: what of a view counts, from its start; None: all of it; ``auto``: up to the 99th percentile of the durations of
        its channel and part of the day over the last 28 complete days, but never less than four hours.
    """

    hours: float | Literal["auto"] | None = None

    @property
    def is_automatic(self) -> bool:
        """Whether each channel and part of the day has a cap of its own."""
        return self.hours == "auto"

    @property
    def seconds(self) -> int:
        """The same for all views; beyond all of them, where there is none."""
        return round(self.hours * 3600) if isinstance(self.hours, int | float) else _NO_SECONDS


NO_CAP = Cap()


def last_complete_days(known: Completeness, last: date) -> list[date]:
    """Return the complete ones of the 28 days that end with the last complete day up to *last*, in order."""
    ends = [last - timedelta(days=n) for n in range(min(_SEARCHED_DAYS, last.toordinal()))]
    end = next((day for day in ends if known.is_complete(day)), None)
    if end is None:
        return []
    days = [date.fromordinal(n) for n in range(max(1, end.toordinal() - AUTO_DAYS + 1), end.toordinal() + 1)]
    return [day for day in days if known.is_complete(day)]
