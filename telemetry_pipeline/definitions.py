"""The code location that Dagster loads."""

from telemetry_pipeline.orchestration.build import build_defs

defs = build_defs()
