"""Named jobs: stable things to launch. What the assets do is said in ``assets``."""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from telemetry_pipeline.job_names import MERGE, RANGE, REBUILD, TICK
from telemetry_pipeline.launches import JOBS
from telemetry_pipeline.orchestration.cleanup import build_cleanup
from telemetry_pipeline.settings.loading import StackSettings

# Steps of ticks go first for a slot of a pool; for a worker the executor has them go first.
_FIRST = {"dagster/priority": "1"}


def build_jobs(settings: StackSettings) -> list[dg.UnresolvedAssetJobDefinition | dg.JobDefinition]:
    """Return the jobs that schedules and sensors launch, and people."""
    return [_job(TICK, _FIRST), _job(RANGE), _job(MERGE), _job(REBUILD), build_cleanup(settings)]


def _job(name: str, tags: Mapping[str, str] | None = None) -> dg.UnresolvedAssetJobDefinition:
    """Define a job of the assets that carry its tag, so that one that moves in joins no job unasked."""
    job = JOBS[name]
    selection = dg.AssetSelection.tag(str(job.takes), "true")
    return dg.define_asset_job(name, selection=selection, description=job.purpose, tags=tags)
