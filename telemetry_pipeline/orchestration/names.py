"""The names of the jobs."""

from __future__ import annotations

TICK = "telemetry_tick"
RANGE = "telemetry_range"
MERGE = "telemetry_merge"
REBUILD = "telemetry_rebuild"
CLEANUP = "telemetry_cleanup"
