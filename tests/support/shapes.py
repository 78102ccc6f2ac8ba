"""Every analysis, asked about a crowd around the day on which New York sets its clock back."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from analyses.conftest import History
from analyses.histories import CODES, NAMES, REQUIRED
from analyses.oracle import Row, View

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period

ZONE = "America/New_York"
LAST = date(2025, 11, 3)
"""The day before, the clock was set back there."""
MONTH = Period(LAST - timedelta(days=29), LAST)

EVERY = list(all_analyses().values())
by_name = pytest.mark.parametrize("each", EVERY, ids=[each.name for each in EVERY])

FINDING = {"anomalies": {"threshold_std": 1}, "win_back": {"absent_days": 1}}
"""Parameters with which an analysis that lists exceptions finds some."""


def crowd() -> list[View]:
    """Two hundred views of a few subscribers in a few weeks, and two subscribers who left."""
    rng = random.Random(7)
    left = [View(LAST - timedelta(days=20 + n), 9, 1_000 + n, "A", f"gone {n % 2}", 4, zone=ZONE) for n in range(8)]
    return left + [
        View.ending(
            datetime(2025, 11, 4, 5, tzinfo=UTC) - timedelta(minutes=rng.randrange(30 * 24 * 60)),
            ZONE,
            duration_seconds=rng.choice([None, 0, 60, 600, 3600, 5400, 100_000]),
            channel_name=rng.choice([None, *NAMES[:5]]),
            subscriber_code=rng.choice([None, *CODES]),
            device_id=rng.choice([None, 1, 2, 3]),
            isp=rng.choice([None, "Izzi", "Telmex"]),
            country=("MX", "CO")[n % 2],
        )
        for n in range(200)
    ]


CROWD = crowd()
NEW_YORK = ZoneInfo(ZONE)


@functools.lru_cache(maxsize=8)
def history(views: tuple[View, ...], cap_hours: float | None = None) -> History:
    return History(views, NEW_YORK, cap_hours)


def ask(each: Analysis, views: Iterable[View], cap_hours: float | None = None, **parameters: Any) -> list[Row]:
    return history(tuple(views), cap_hours).ask(each.name, MONTH, **REQUIRED.get(each.name, {}), **parameters)


def own_parameters(each: Analysis, **given: Any) -> dict[str, Any]:
    """The parameters besides the window, as an oracle takes them."""
    values = each.parse(REQUIRED.get(each.name, {}) | given).model_dump()
    return {name: value for name, value in values.items() if name != "window_days"}
