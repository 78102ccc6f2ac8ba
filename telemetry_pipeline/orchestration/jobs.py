"""Named jobs: stable things to launch. What the assets do is said in ``assets``."""

from __future__ import annotations

import dagster as dg

from telemetry_pipeline.orchestration.tags import MAX_RUNTIME_SECONDS

TICK = "telemetry_tick"
RANGE = "telemetry_range"


def build_jobs() -> list[dg.UnresolvedAssetJobDefinition]:
    """The tick, for one day, and the range, for any number of days in one run; both run the whole graph."""
    return [
        dg.define_asset_job(
            TICK,
            selection=dg.AssetSelection.all(),
            description="Synchronise what is new, merge it, and analyse one day: today, every two minutes.",
            tags={MAX_RUNTIME_SECONDS: "1800"},
        ),
        dg.define_asset_job(
            RANGE,
            selection=dg.AssetSelection.all(),
            description="Read a range of days again, store what is missing, merge the days anew, and analyse each of them.",
            tags={MAX_RUNTIME_SECONDS: "21600"},
        ),
    ]
