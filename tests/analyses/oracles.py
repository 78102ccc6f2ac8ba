"""Every oracle by the name of its analysis; ``subscriber_segments`` has none, for k-means has no obvious answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from fractions import Fraction
from typing import Any
from zoneinfo import ZoneInfo

from analyses import oracle, oracle_audience, oracle_period, oracle_rhythm, oracle_subscribers
from analyses.oracle import Cap, Row, Seen, View

from telemetry_pipeline.days import EVERYTHING, Completeness, Period

ORACLES: dict[str, Callable[..., list[Row]]] = {
    function.__name__: function
    for function in (
        oracle.average_duration,
        oracle.channel_audience,
        oracle.channel_performance,
        oracle.general_summary,
        oracle.geography,
        oracle.peak_hours,
        oracle.top_channels,
        oracle_audience.average_audience,
        oracle_audience.channel_flow,
        oracle_audience.concurrency,
        oracle_audience.rating,
        oracle_audience.reach,
        oracle_audience.share,
        oracle_audience.stickiness,
        oracle_period.period_breakdown,
        oracle_period.period_channels,
        oracle_period.period_comparison,
        oracle_period.period_events,
        oracle_period.period_subscribers,
        oracle_period.period_summary,
        oracle_period.period_trend,
        oracle_period.subscriber_period,
        oracle_rhythm.anomalies,
        oracle_rhythm.day_over_day,
        oracle_rhythm.time_slots,
        oracle_rhythm.viewing_by_period,
        oracle_rhythm.viewing_forecast,
        oracle_subscribers.active_subscribers,
        oracle_subscribers.churn_risk,
        oracle_subscribers.cohorts,
        oracle_subscribers.correlation,
        oracle_subscribers.subscriber_overview,
        oracle_subscribers.subscriber_profile,
        oracle_subscribers.top_subscribers,
    )
}


def expected(
    name: str,
    views: Iterable[View],
    period: Period,
    zone: ZoneInfo,
    known: Completeness = EVERYTHING,
    cap: Cap = None,
    small_base: int = 30,
    **parameters: Any,
) -> list[Row]:
    """The rows that the analysis *name* should give, as JSON would hold them; *parameters* are those besides the window."""
    rows = ORACLES[name](Seen(tuple(views), period, zone, known, cap, small_base), **parameters)
    return [{column: _plain(value) for column, value in row.items()} for row in rows]


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return float(value)
    return value.isoformat() if isinstance(value, date) else value
