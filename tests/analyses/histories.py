"""Made-up histories for hypothesis, and parameters for every analysis."""

from __future__ import annotations

import random
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from analyses.oracle import View, bounds
from hypothesis import strategies as st

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import EVERYTHING, Completeness, Period

# Names that a language's rules, or byte-wise habits, would order in another way than code points do.
NAMES = ["A", "a", "B", "b", "Á", "Ñu", "N z", "10", "9", "ab", "A b", "_"]
ODD = [18_000, 30_000, 86_400, 100_000, 1_440_000]
BACK = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 5, 6, 7, 8, 13, 15, 29, 30, 45, -1, -1, -2]
"""How many days before the day of interest a view ends."""
CODES = ["S1", "S10", "S2", "s1", "Á", "0"]

# One whose clock does not change, and the days after changes: an hour that comes twice, an hour that is left out, a day that
# has no midnight, a day that has two, hours that are not those of UTC.
PLACES = [
    ("America/Mexico_City", date(2026, 1, 3)),
    ("America/New_York", date(2025, 11, 3)),
    ("Europe/Madrid", date(2026, 3, 30)),
    ("America/Santiago", date(2025, 9, 8)),
    ("America/Havana", date(2025, 11, 2)),
    ("America/St_Johns", date(2026, 3, 8)),
    ("Asia/Kolkata", date(2026, 1, 1)),
]


@dataclass(frozen=True)
class Made:
    """A history, and what is to be asked about it.

    :ivar day: that it is about.
    :ivar known: what is known of its days.
    :ivar rng: makes choices beyond.
    """

    views: list[View]
    zone: ZoneInfo
    day: date
    known: Completeness
    rng: random.Random = field(repr=False)

    def period(self) -> Period:
        """Of a period analysis: often a few days, some without views."""
        last = self.day + timedelta(days=self.rng.choice([0, 0, 0, -1, -6, 3]))
        return Period(last - timedelta(days=self.rng.choice([0, 1, 2, 4, 7, 14, 29, 59])), last)

    def parameters(self, name: str) -> dict[str, Any]:
        """Of an analysis, within their bounds and without the window; the defaults, where nothing else is listed."""
        fields = find_analysis(name).parameters.model_fields
        own = {parameter: [field.default] for parameter, field in fields.items() if parameter != "window_days"}
        return {parameter: self.rng.choice(values) for parameter, values in (own | OWN_PARAMETERS.get(name, {})).items()}


def _make(seed: int, size: int) -> Made:
    rng = random.Random(seed)
    zone, day = rng.choice(PLACES)
    hours = rng.choice([range(24), range(3, 7)])
    channels, codes, devices = (rng.choice([1, 2, 5, 12]) for _each in range(3))

    def view() -> View:
        code = rng.choice([*CODES[:codes], None])
        back = rng.choice(BACK) + (10 if code == "S10" else 0)
        clock = time(rng.choice(hours), rng.choice([0, 0, 5, 29, 30, 59]), rng.choice([0, 0, 0, 7]))
        return View.ending(
            datetime.combine(day - timedelta(days=back), clock, UTC),
            zone,
            duration_seconds=rng.choice([600, None, 0, 1, 7, 600, 1800, 1800, 3600, 3600, 7200, 62_721, rng.choice(ODD)]),
            channel_name=rng.choice([*NAMES[:channels], None]),
            subscriber_code=code,
            device_id=rng.choice([*[1, 2, 3, 10, 2**40][:devices], None]),
            country=rng.choice([None, "MX", "US"]),
            isp=rng.choice([None, *NAMES[:4]]),
        )

    views = [view() for _n in range(size)]
    if rng.random() < 0.4:
        return Made(views, ZoneInfo(zone), day, EVERYTHING, rng)
    begins = day - timedelta(days=rng.choice([99, 99, 99, 99, 99, 13, 6, 2, 0]))
    recent = [v for v in views if v.local_date >= begins]
    known = _known(rng, recent, day, ZoneInfo(zone))
    moment = known.known_until and known.known_until.replace(tzinfo=None)
    seen = [v for v in recent if moment is None or v.ended_at < moment]
    first_day = min((v.local_date for v in seen), default=None)
    return Made(seen, ZoneInfo(zone), day, replace(known, first_day=first_day), rng)


def _known(rng: random.Random, views: list[View], about: date, zone: ZoneInfo) -> Completeness:
    """What may be known of days around one, but for the first: mostly all before a moment at which views end on some day."""

    def some(*days: date) -> frozenset[date]:
        return frozenset(day for day in days if rng.random() < 0.5)

    day = about + timedelta(days=rng.choice([0, 0, 0, 0, 1, -1]))
    yesterday = day - timedelta(days=1)
    gap = (day - timedelta(days=rng.choice([2, 4])), day - timedelta(days=2))
    gaps = rng.choice([(), (), (), (), (), ((yesterday, yesterday),), (gap,), (gap, (yesterday, day))])
    if rng.random() < 0.1:
        return Completeness(None, None, some(*(v.local_date for v in views)), gaps)
    begin, end = bounds(day, zone)
    ends = [v.ended_at - bounds(v.local_date, zone)[0] for v in views]
    passed = rng.choice([timedelta(), timedelta(minutes=23), *rng.choices([*ends, timedelta(hours=21)], k=5)])
    moment = min(begin + passed, end - timedelta(seconds=1))
    if rng.random() < 0.8:
        return Completeness(moment.replace(tzinfo=UTC), day, some(gap[1]), gaps)
    return Completeness(moment.replace(tzinfo=UTC), yesterday, some(yesterday, gap[1]), gaps)


histories = st.builds(_make, st.integers(0, 2**64), st.sampled_from([3, 0, 1, 15, 40, 60, 60, 60]))
"""Views whose names, subscribers, devices and durations may be null, around a day of interest in some zone.

Mostly near to the day, often crowded in a few hours so that they overlap or follow each other; one subscriber has left.
Often all days are complete; else nothing that a complete sync could not have read yet is in the history.
All of it follows from one number: of the examples that hypothesis puts together from many, two in three are but variations.
"""

WINDOWS = [None, 2, 7, 14, 30, 90]

_GRANULARITIES = ["daily", "weekly", "monthly"]
_CHANNELS = [None, None, None, "A", "a", "never seen"]
_CODES = [*CODES[:2], *CODES, "never seen"]
_FEW = [1, 2, 5, 10_000]
# No distance in whole views is exactly that many standard deviations, where rounding would decide.
_THRESHOLDS = [0.3217, 1.1234, 2.0123, 9.87]

OWN_PARAMETERS: dict[str, dict[str, list[Any]]] = {
    "anomalies": {"threshold_std": _THRESHOLDS},
    "channel_curve": {"channel": ["A", "A", "a", "B", "never seen"]},
    "channel_flow": {"gap_minutes": [0, 1, 30, 60, 1440], "limit": _FEW},
    "churn_risk": {"min_views": [1, 1, 2, 4]},
    "peak_hours": {"channel": _CHANNELS},
    "period_breakdown": {"granularity": _GRANULARITIES},
    "period_channels": {"top_n": _FEW},
    "period_events": {"threshold_std": _THRESHOLDS},
    "period_subscribers": {"top_n": _FEW},
    "reach": {"min_minutes": [0.5, 1, 5, 10, 60, 1440]},
    "stickiness": {"days": [1, 2, 30, 366]},
    "subscriber_period": {"subscriber_code": _CODES},
    "subscriber_profile": {"subscriber_code": _CODES},
    "subscriber_views": {"subscriber_code": _CODES, "top_n": _FEW},
    "subscriber_segments": {"n_segments": [2, 3, 4, 6]},
    "top_channels": {"limit": _FEW},
    "top_subscribers": {"limit": _FEW},
    "viewing_by_period": {"granularity": _GRANULARITIES},
    "viewing_forecast": {"channel": _CHANNELS, "forecast_days": [1, 7, 90]},
    "win_back": {"days": [1, 2, 7, 30, 366], "absent_days": [1, 1, 2, 3, 5, 14]},
}
REQUIRED = {
    "channel_curve": {"channel": "A"},
    "subscriber_period": {"subscriber_code": "S1"},
    "subscriber_profile": {"subscriber_code": "S1"},
    "subscriber_views": {"subscriber_code": "S1"},
}
"""What the analyses that cannot run unattended are asked about."""
