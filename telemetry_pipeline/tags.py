"""Tags of runs: those that Dagster gives a meaning to, our own, and the days that they say."""

from __future__ import annotations

from collections.abc import Mapping

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
MAX_RUNTIME_SECONDS = "dagster/max_runtime"
SOFT_TIME_LIMIT_SECONDS = "telemetry/soft_time_limit"
ROWS = "telemetry/rows"
"""When it is ``all``, an analysis reports every row of its result, for a program that asks; else a preview of some."""


def partition_range(tags: Mapping[str, str]) -> tuple[str, str] | None:
    """The first and the last partition of a run; None: it has no partitions."""
    first = tags.get(RANGE_START, tags.get(PARTITION))
    last = tags.get(RANGE_END, tags.get(PARTITION))
    return (first, last) if first and last else None


def covers(tags: Mapping[str, str], text: str) -> bool:
    """Whether this run covers the days in *text*, as :func:`partition_text` writes them."""
    first, _, last = text.partition(" to ")
    own_first, own_last = partition_range(tags) or ("", "")
    return own_first <= first and (last or first) <= own_last


def partition_text(tags: Mapping[str, str]) -> str:
    """The same for people: a day, ``first to last``, or nothing."""
    first, last = partition_range(tags) or ("", "")
    return first if first == last else f"{first} to {last}"
