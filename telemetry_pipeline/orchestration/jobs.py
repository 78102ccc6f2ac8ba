"""Named jobs: stable things to launch. What the assets do is said in ``assets``."""

from __future__ import annotations

import dagster as dg

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.orchestration.cleanup import build_cleanup
from telemetry_pipeline.orchestration.names import MERGE, RANGE, REBUILD, TICK
from telemetry_pipeline.settings.loading import StackSettings

# Among the steps that wait, those of ticks go first, for a worker as for the pool: on Redis the lowest priority does, for a
# slot of a pool the highest.
_FIRST = {"dagster-celery/run_priority": "-5", "dagster/priority": "1"}


def whole_graph() -> dg.AssetSelection:
    """Every asset but those that have to be told a subscriber."""
    on_request = [name for name, analysis in all_analyses().items() if not analysis.runs_unattended]
    return dg.AssetSelection.all() - dg.AssetSelection.assets(*on_request)


def build_jobs(settings: StackSettings) -> list[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """The jobs that schedules and sensors launch, and people."""
    return [
        dg.define_asset_job(
            TICK,
            selection=whole_graph(),
            description="Synchronise what is new, merge it, and analyse one day: today, every two minutes.",
            tags=_FIRST,
        ),
        dg.define_asset_job(
            RANGE,
            selection=whole_graph(),
            description="Read a range of days again, store what is missing, merge the days anew, and analyse each of them.",
        ),
        dg.define_asset_job(
            MERGE,
            selection=dg.AssetSelection.assets("ott_views"),
            description="Merge the views of a range of days anew.",
        ),
        dg.define_asset_job(
            REBUILD,
            selection=whole_graph() - dg.AssetSelection.assets("telemetry_records", "ott_views"),
            description="Analyse a range of days whose views changed after they had been analysed.",
        ),
        build_cleanup(settings),
    ]
