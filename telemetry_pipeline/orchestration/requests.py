"""Which runs may be launched. One that cannot be is refused, with what is allowed, wherever it comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from telemetry_pipeline.analyses.registry import all_analyses, steps
from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.client.launching.run_config import read
from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import JOBS, Days, Job, all_assets, check_days, check_report
from telemetry_pipeline.orchestration.forms import check_form
from telemetry_pipeline.tags import PARTITION, RANGE_END, RANGE_START


def check_request(
    job_name: str, tags: Mapping[str, str], run_config: Mapping[str, Any], *, allowed: AllowedDays, assets: Sequence[str] = ()
) -> None:
    """Refuse a run whose days are not partitions or whose parameters are invalid.

    :param job_name: of :data:`launches.JOBS`, or of Dagster's own job for any *assets*.
    :raises RequestRefused: says what is allowed.
    """
    target = JOBS.get(job_name) or Job(job_name, "any assets", Days.RANGE, None)
    period = allowed.asked(tags.get(PARTITION), tags.get(RANGE_START), tags.get(RANGE_END))
    check_days(target, period)
    for name in KINDS.keys() & set(assets):
        check_days(all_assets()[name], period)
    if period is None and target.days is not Days.NONE:
        raise RequestRefused("a run needs a partition, or the first and the last day of a range", str(allowed))
    check_form(run_config, tags, assets)
    given = read(run_config, steps())
    for name, analysis in all_analyses().items():
        if name in given or name in assets:
            analysis.parse(given.get(name, {}))
    for name in KINDS.keys() & given.keys():
        check_report(name, given[name], allowed)
