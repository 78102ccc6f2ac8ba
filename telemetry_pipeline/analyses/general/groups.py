"""Subscribers as a crowd: who stays, what goes together in how they watch, and which kinds of them there are."""

from __future__ import annotations

from contextlib import suppress
from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field

from telemetry_pipeline.analyses.framework.columns import Column
from telemetry_pipeline.analyses.framework.declaration import GeneralParameters, analysis
from telemetry_pipeline.analyses.framework.views import Views
from telemetry_pipeline.analyses.framework.vocabulary import DURATION, UNIQUE_CHANNELS, WATCH_HOURS
from telemetry_pipeline.words import stored

CORRELATED = ("watch_hours", "average_seconds", "views", "unique_channels", "average_hour")
"""What of a subscriber's viewing is correlated, in this order."""
SEGMENTED = ("views", "watch_hours", "average_seconds", "unique_channels")
"""By what of their viewing subscribers are divided into segments."""

_LEAST_SUBSCRIBERS = 3
_LEAST_VIEWS = 10
_MODERATE = 0.4
_STRONG = 0.7
_STARTS = 5
_MOST_TRIES = 100
_STEPS = 50


class Cohorts(GeneralParameters):
    """Parameters of :func:`cohorts`."""

    window_days: int | None = Field(
        default=None,
        ge=1,
        le=36_500,
        description="days to look back, the partition's own day included; null for all history",
    )


class SubscriberSegments(GeneralParameters):
    """Parameters of :func:`subscriber_segments`."""

    n_segments: int = Field(default=4, ge=2, le=10, description="segments to divide subscribers into")


_COHORTS = """
with firsts as (
    select subscriber_code, date_trunc('month', min(local_date))::date as cohort_month
    from counted where subscriber_code is not null group by subscriber_code
)
select cohort_month, date_trunc('month', local_date)::date as month, count(distinct subscriber_code) as subscribers,
       first_value(count(distinct subscriber_code)) over (partition by cohort_month order by month) as cohort_size,
       100 * subscribers / cohort_size as retention_pct, count(distinct channel_name) as unique_channels,
       sum(duration_seconds) / 3600 as watch_hours
from counted join firsts using (subscriber_code)
group by cohort_month, month
order by cohort_month, month
"""


@analysis(
    parameters=Cohorts,
    base="cohort_size",
    columns=(
        Column("cohort_month", "date", "first of the month of a subscriber's first view", key=True, of=("local_date",)),
        Column("month", "date", "first of the month of the views", key=True, of=("local_date",)),
        Column("subscribers", "bigint", "of the cohort, with a view in the month", unit="subscribers", of=("subscriber_code",)),
        Column("cohort_size", "bigint", "all of the cohort", unit="subscribers", of=("subscriber_code",)),
        Column(
            "retention_pct", "double precision", "part of the cohort seen in the month", unit="percent", of=("subscriber_code",)
        ),
        UNIQUE_CHANNELS,
        WATCH_HOURS,
    ),
)
def cohorts(views: Views, parameters: Cohorts) -> pd.DataFrame:
    """Of those who began to watch in the same month, how many still do in the months after?

    A cohort are the subscribers whose first view of the window is in the same calendar month. One row for each month in
    which a cohort has views; its first month is the cohort whole, and has 100 percent.
    """
    return views.query(_COHORTS)


_BY_SUBSCRIBER = """
select count(*) as views, sum(duration_seconds) / 3600 as watch_hours, sum(duration_seconds) / count(*) as average_seconds,
       count(distinct channel_name) as unique_channels, sum(local_hour) / count(*) as average_hour
from counted
where subscriber_code is not null
group by subscriber_code
order by subscriber_code
"""


@analysis(
    parameters=GeneralParameters,
    base={},
    columns=(
        Column("feature_a", "text", f"one of {', '.join(CORRELATED)}", key=True, of=("subscriber_code",)),
        Column("feature_b", "text", "one of those after it", key=True, of=("subscriber_code",)),
        Column(
            "pearson",
            "double precision",
            "Pearson's correlation coefficient, -1 to 1",
            of=(*DURATION, "channel_name", "local_hour", "subscriber_code"),
        ),
        Column(
            "strength",
            "text",
            f"{stored.STRONG} beyond {_STRONG}, {stored.MODERATE} beyond {_MODERATE}, otherwise {stored.WEAK}, "
            "whatever the sign",
            of=(*DURATION, "channel_name", "local_hour", "subscriber_code"),
        ),
    ),
)
def correlation(views: Views, parameters: GeneralParameters) -> pd.DataFrame:
    """What goes together in how subscribers watch?

    Pearson's coefficient over subscribers of each pair of their watch time, mean duration, views, different channels and
    mean hour of the day. Needs ten views and three subscribers; a feature that is the same for all of them is correlated
    with nothing. Empty when no subscriber was seen.
    """
    subscribers = views.query(_BY_SUBSCRIBER)
    pairs = list(combinations(CORRELATED, 2)) if len(subscribers) else []
    facts = {}
    alike = [feature for feature in CORRELATED if subscribers[feature].nunique() < 2]
    if len(subscribers) < _LEAST_SUBSCRIBERS or subscribers["views"].sum() < _LEAST_VIEWS:
        facts["note"] = f"no correlations: they need {_LEAST_VIEWS} views and {_LEAST_SUBSCRIBERS} subscribers"
        alike = list(CORRELATED)
    elif alike:
        facts["note"] = f"the same for all subscribers, and so correlated with nothing: {', '.join(alike)}"
    pearson = subscribers[list(CORRELATED)].astype(float).assign(**dict.fromkeys(alike, np.nan)).corr()
    frame = pd.DataFrame([(a, b, pearson.at[a, b]) for a, b in pairs], columns=["feature_a", "feature_b", "pearson"])
    frame["strength"] = [_strength(abs(coefficient)) for coefficient in frame["pearson"]]
    frame.attrs["facts"] = facts
    return frame


def _strength(size: float) -> str | None:
    if np.isnan(size):
        return None
    return stored.STRONG if size > _STRONG else stored.MODERATE if size > _MODERATE else stored.WEAK


@analysis(
    parameters=SubscriberSegments,
    base="subscribers",
    columns=(
        Column("segment", "text", "its name; those who watch least come first", key=True, of=("subscriber_code",)),
        Column("subscribers", "bigint", "subscribers of the segment", unit="subscribers", of=("subscriber_code",)),
        Column("share_pct", "double precision", "part of all subscribers with a view", unit="percent", of=("subscriber_code",)),
        Column("mean_views", "double precision", "views per subscriber", unit="views", of=("subscriber_code",)),
        Column("mean_watch_hours", "double precision", "time watched per subscriber", unit="hours", of=DURATION),
        Column(
            "mean_average_seconds", "double precision", "mean of the subscribers' mean durations", unit="seconds", of=DURATION
        ),
        Column(
            "mean_unique_channels",
            "double precision",
            "channels per subscriber",
            unit="channels",
            of=("channel_name",),
        ),
    ),
)
def subscriber_segments(views: Views, parameters: SubscriberSegments) -> pd.DataFrame:
    """Which kinds of subscribers are there, by how much and how widely they watch?

    k-means over the subscribers' views, watch time, mean duration and different channels, each less its mean and by its
    population standard deviation; of ten starts from fixed seeds, the one whose subscribers are nearest to the means of
    their segments. Segments are in the order of their mean watch time: four are called ocasionales, regulares, activos and
    super activos, and others segmento 1, 2 and so on. There are as many as there are subscribers who differ, at most.
    """
    subscribers = views.query(_BY_SUBSCRIBER)[list(SEGMENTED)].astype(float)
    count = min(parameters.n_segments, len(subscribers.drop_duplicates()))
    labels = _k_means(_standardized(subscribers.to_numpy()), count) if count else np.zeros(0, dtype=np.int32)
    groups = subscribers.groupby(labels)
    means = groups.mean().add_prefix("mean_")
    means.insert(0, "subscribers", groups.size())
    means.insert(1, "share_pct", 100 * means["subscribers"] / len(subscribers))
    frame = means.sort_values(["mean_watch_hours", "mean_views", "mean_unique_channels"])
    names = stored.FOUR_SEGMENTS if count == len(stored.FOUR_SEGMENTS) else [f"{stored.SEGMENT} {n + 1}" for n in range(count)]
    frame.insert(0, "segment", list(names))
    if 0 < count < parameters.n_segments:
        frame.attrs["facts"] = {"note": f"only {count} segments: no more subscribers differ in how they watch"}
    return frame


def _standardized(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return columns of mean 0 and population standard deviation 1; of one value throughout, 0."""
    differs = np.ptp(values, axis=0) > 0
    scores = np.zeros_like(values)
    np.divide(values - values.mean(axis=0), values.std(axis=0), out=scores, where=differs)
    return scores


def _k_means(points: npt.NDArray[np.float64], count: int) -> npt.NDArray[np.int32]:
    """Return for each point the number of its cluster; *count* is at most the number of different points."""
    from scipy.cluster.vq import ClusterError, kmeans2  # noqa: PLC0415 - half a second, and nothing else needs it

    found: list[tuple[float, npt.NDArray[np.int32]]] = []
    for seed in range(_MOST_TRIES):
        with suppress(ClusterError):  # a cluster lost its last point on the way
            centres, labels = kmeans2(points, count, iter=_STEPS, minit="++", missing="raise", rng=seed)
            found.append((float(np.sum((points - centres[labels]) ** 2)), labels))
        if len(found) == _STARTS:
            break
    return min(found, key=lambda each: each[0])[1]
