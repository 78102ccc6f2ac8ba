"""The names of the jobs, by which Dagster, its clients and people call them; what they run is said in ``launches``."""

from __future__ import annotations

TICK = "telemetry_tick"
TICK_SCHEDULE = f"{TICK}_schedule"
RANGE = "telemetry_range"
MERGE = "telemetry_merge"
REBUILD = "telemetry_rebuild"
CLEANUP = "telemetry_cleanup"
ANY_ASSETS_JOB = "__ASSET_JOB"
"""Dagster's own, for runs of assets alone."""
