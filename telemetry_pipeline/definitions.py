"""The code location that Dagster loads."""

from telemetry_pipeline.orchestration.build import load_defs

defs = load_defs()
