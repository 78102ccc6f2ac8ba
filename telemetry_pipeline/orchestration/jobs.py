"""Named jobs: stable things to launch. What the assets do is said in ``assets``."""

from __future__ import annotations

import dagster as dg

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.orchestration.cleanup import build_cleanup
from telemetry_pipeline.orchestration.tags import MAX_RUNTIME_SECONDS
from telemetry_pipeline.settings import Settings

TICK = "telemetry_tick"
RANGE = "telemetry_range"


def whole_graph() -> dg.AssetSelection:
    """Every asset but those that have to be told a subscriber."""
    on_request = [name for name, analysis in all_analyses().items() if not analysis.runs_unattended]
    return dg.AssetSelection.all() - dg.AssetSelection.assets(*on_request)


def build_jobs(settings: Settings) -> list[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """The tick, for one day, and the range, for any number of days in one run, both of the whole graph; and the clean-up."""
    return [
        dg.define_asset_job(
            TICK,
            selection=whole_graph(),
            description="Synchronise what is new, merge it, and analyse one day: today, every two minutes.",
            tags={MAX_RUNTIME_SECONDS: "1800"},
        ),
        dg.define_asset_job(
            RANGE,
            selection=whole_graph(),
            description="Read a range of days again, store what is missing, merge the days anew, and analyse each of them.",
            tags={MAX_RUNTIME_SECONDS: "21600"},
        ),
        build_cleanup(settings.result_retention_days),
    ]
