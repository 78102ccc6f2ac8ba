"""How much is played at the same moment, by day and by hour. Where views lie is said in ``minutes``."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from telemetry_pipeline.analyses.framework import clock
from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import PLAYING, SUBSCRIBERS_PLAYING

_Whole = NDArray[np.int64]


# All of a window at once would take 200 MB for 2,000,000 views.
_SWEPT_HOURS = 5 * 24

_STREAMS = """
select enum_code(subscriber_code) as subscriber, epoch_us(greatest(started_at, $begin)) as begins,
       epoch_us(least(watched_until, $end)) as ends
from playing
where ended_at > $begin and started_at < $end and watched_until > $begin and started_at < watched_until
"""

_CONCURRENCY = """
select local_date as date, local_hour as hour, max(peak_streams) as peak_streams, sum(streams) / sum(length) as mean_streams,
       max(peak_subscribers) as peak_subscribers, sum(subscribers) / sum(length) as mean_subscribers
from hours
group by grouping sets ((local_date), (local_date, local_hour))
having max(peak_streams) > 0
order by date, hour nulls first
"""


_LEVELS = ("peak_streams", "mean_streams", "peak_subscribers", "mean_subscribers")


@analysis(
    theme="audience",
    parameters=GeneralParameters,
    looks_ahead=True,
    base={},
    columns=(
        Column("date", "date", "the operator's day in which it was playing", key=True, of=PLAYING),
        Column("hour", "bigint", "hour of that day, 0 to 23; null for the whole day", key=True, of=PLAYING, role="time"),
        Column("peak_streams", "bigint", "most views at one moment", unit="streams", of=PLAYING),
        Column("mean_streams", "double precision", "views at an average moment", unit="streams", of=PLAYING),
        Column(
            "peak_subscribers",
            "bigint",
            "most different subscribers at one moment",
            unit="subscribers",
            of=SUBSCRIBERS_PLAYING,
        ),
        Column(
            "mean_subscribers",
            "double precision",
            "different subscribers at an average moment",
            unit="subscribers",
            of=SUBSCRIBERS_PLAYING,
        ),
    ),
)
def concurrency(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """How much is played at the same time?

    Most and mean number of simultaneous streams (views) and of different subscribers, for each day of the window on which
    something is playing and each hour of it in which something is. A view plays from its start up to, not including, the end
    of what counts of it; without duration it is not playing at all. Means are over all seconds of the day or hour that have
    passed. The day's row, without an hour, comes before those of its hours.
    """
    hours = views.hours()
    if hours.empty:
        return pd.DataFrame(columns=["date", "hour", *_LEVELS])
    follows = hours["hour_start"] == hours["hour_end"].shift()
    parts = [(~follows).cumsum(), pd.Series(range(len(hours)), hours.index) // _SWEPT_HOURS]
    swept = [_sweep(views, part.copy()) for _, part in hours.groupby(parts)]
    return views.query(_CONCURRENCY, {"hours": pd.concat(swept)})


def _sweep(views: Views, hours: pd.DataFrame) -> pd.DataFrame:
    """Return the hours, which follow on each other, with what plays in each."""
    bounds = clock.bounds_of(hours)
    edges = np.append(hours["hour_start"], bounds["end"]).astype("datetime64[us]").astype(np.int64)
    streams = views.query(_STREAMS, **bounds)
    hours["length"] = np.diff(edges)
    hours["peak_streams"], hours["streams"] = _levels(streams, edges)
    hours["peak_subscribers"], hours["subscribers"] = _levels(_without_overlap(streams), edges)
    return hours


def _without_overlap(streams: pd.DataFrame) -> pd.DataFrame:
    """Return of each stream of a subscriber what none that began earlier covers, which together are when he was watching.

    In DuckDB, a window over two million streams runs out of its memory.
    """
    null_last = np.lexsort((streams["begins"], streams["subscriber"]))
    known = streams.iloc[null_last[: streams["subscriber"].count()]]
    subscriber = known["subscriber"]
    covered_until = known.groupby(subscriber)["ends"].cummax().groupby(subscriber).shift(fill_value=0)
    fresh = pd.DataFrame({"begins": np.maximum(known["begins"], covered_until), "ends": known["ends"]})
    return fresh[fresh["begins"] < fresh["ends"]]


def _levels(intervals: pd.DataFrame, edges: _Whole) -> tuple[_Whole, _Whole]:
    """Return how many intervals there are at most at once in each hour between two edges, and their time in it, summed."""
    begins, ends, starts = np.sort(intervals["begins"]), np.sort(intervals["ends"]), edges[:-1]

    def hour_of(moments: _Whole) -> _Whole:
        return np.searchsorted(starts, moments, side="right") - 1

    def time_since(moments: _Whole) -> _Whole:
        hour = hour_of(moments)
        in_its_hour = np.bincount(hour, edges[hour + 1] - moments, minlength=len(starts)).astype(np.int64)
        return in_its_hour + np.searchsorted(moments, starts) * np.diff(edges)

    rises = np.concatenate([starts, begins])
    levels = np.searchsorted(begins, rises, side="right") - np.searchsorted(ends, rises, side="right")
    peaks = np.zeros(len(starts), dtype=np.int64)
    np.maximum.at(peaks, hour_of(rises), levels)
    return peaks, time_since(begins) - time_since(ends)
