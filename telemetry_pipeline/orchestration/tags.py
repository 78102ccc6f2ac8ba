"""Tags that Dagster gives a meaning to."""

from __future__ import annotations

PARTITION = "dagster/partition"
RANGE_START = "dagster/asset_partition_range_start"
RANGE_END = "dagster/asset_partition_range_end"
MAX_RUNTIME_SECONDS = "dagster/max_runtime"
