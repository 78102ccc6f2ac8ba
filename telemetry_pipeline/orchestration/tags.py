"""Tags of runs: those that Dagster gives a meaning to, and our own."""

from __future__ import annotations

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
MAX_RUNTIME_SECONDS = "dagster/max_runtime"
SOFT_TIME_LIMIT_SECONDS = "telemetry/soft_time_limit"
ROWS = "telemetry/rows"
"""When it is ``all``, an analysis reports every row of its result, for a program that asks; else a preview of some."""
