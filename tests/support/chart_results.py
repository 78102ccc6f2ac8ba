"""Results to draw, as analyses have them, and what can be read in a picture of one."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any
from xml.etree import ElementTree

import hypothesis.strategies as st
import numpy as np
import pandas as pd

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.registry import all_analyses

CHARTS = list(all_analyses())
COLUMNS = {
    name: tuple(column for column in each.columns if column not in (PROVISIONAL, SMALL_BASE))
    for name, each in all_analyses().items()
}
FEATURES = ("watch_hours", "average_seconds", "views", "unique_channels", "average_hour")
# As rows of analyses have them: values that repeat in step.
VALUES: dict[str, tuple[str, ...]] = {
    "section": ("day", "total", "channel", "slot", "device", "hour", "comparison", "mean", "retention", "activo"),
    "item": ("2026-01-05", "views", "Uno", "noche", "17", "20", "views", "views", "2026-01-15", "watch_hours"),
    "metric": ("views", "subscribers", "watch_hours", "views", "x", "x", "x", "views", "retention_pct", "watch_hours"),
    "ranking": ("by_hours", "by_views", "by_channels"),
    "scope": ("total", *["channel"] * 5_000),
    "feature_a": tuple(a for n, a in enumerate(FEATURES) for _ in FEATURES[n + 1 :]),
    "feature_b": tuple(b for n, _ in enumerate(FEATURES) for b in FEATURES[n + 1 :]),
    "risk": ("high", "medium"),
}
FIRST = date(2025, 11, 3)
ROWS = {
    "period_comparison": 3,
    "time_slots": 4,
    "correlation": 10,
}


def value(column: Column, row: int, random: np.random.Generator) -> Any:
    if column.name == "hour":
        return None if row % 25 == 0 else row % 25 - 1
    if column.name == "minute":
        return 15 * (row % 4)
    if column.name == "cohort_month":
        return date(2025, 1 + row // 12 % 12, 1)
    if column.name == "month":
        return date(2025 + (row // 12 % 12 + row % 12) // 12, 1 + (row // 12 % 12 + row % 12) % 12, 1)
    if column.name in VALUES:
        return VALUES[column.name][row % len(VALUES[column.name])]
    return {
        "text": f"{column.name} número {row // (25 if column.name == 'channel' else 1)}",
        "date": FIRST + timedelta(days=row),
        "bigint": int(random.integers(0, 5_000)),
        "boolean": row % 7 == 0,
        "double precision": float(random.uniform(0, 100)),
    }[column.type]


def result(name: str, rows: int | None = None, **fixed: Any) -> pd.DataFrame:
    """Rows as the analysis *name* gives them; *fixed* columns have one value throughout."""
    random = np.random.default_rng(7)
    keyed = any(column.key for column in COLUMNS[name])
    count = ROWS.get(name, 40 if keyed else 1) if rows is None else rows
    data = {
        column.name: [fixed[column.name] if column.name in fixed else value(column, row, random) for row in range(count)]
        for column in COLUMNS[name]
    }
    return conform(pd.DataFrame(data, columns=[column.name for column in COLUMNS[name]]), COLUMNS[name])


def texts(svg: str | None) -> list[str]:
    """What can be read in a chart, which is well-formed XML."""
    assert svg is not None
    return ["".join(each.itertext()) for each in ElementTree.fromstring(svg).iter() if each.tag.endswith("text")]


def marks(svg: str | None) -> list[str]:
    """What the marks of a chart say."""
    assert svg is not None
    return [
        said
        for each in ElementTree.fromstring(svg).iter()
        if (said := each.get("aria-label")) and each.get("role") == "graphics-symbol"
    ]


CELLS: dict[str, st.SearchStrategy[Any]] = {
    "bigint": st.none() | st.integers(-(2**53), 2**53) | st.integers(0, 23),
    "double precision": st.none() | st.floats(-1e15, 1e15),
    "text": st.none() | st.text(max_size=40) | st.sampled_from([each for values in VALUES.values() for each in values[:10]]),
    "date": st.none() | st.dates(),
    "boolean": st.none() | st.booleans(),
}
