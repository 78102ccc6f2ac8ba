"""What of past days is of other views than those there are is computed anew."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.documents import DOCUMENTS, documents_of
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import is_of_period
from telemetry_pipeline.days import Period, contiguous, today
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.job_names import RANGE, REBUILD
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.orchestration.schedules import in_flight
from telemetry_pipeline.orchestration.sensors.lost_runs import REST, at_rest, failed_runs
from telemetry_pipeline.results import catalogue
from telemetry_pipeline.results.documents import stale_documents
from telemetry_pipeline.results.freshness.staleness import Stale, stale_days
from telemetry_pipeline.results.views.windows import rules_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import RANGE_END, RANGE_START, covers
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.operations import problems

_DAYS_A_REBUILD = 31
_SECONDS_A_RESULT = 0.2
"""What the result of an analysis takes beside being computed, and more."""


def build_late_data_sensor(settings: StackSettings) -> dg.SensorDefinition:
    """Launches what is stale, contiguous days in one run."""

    @dg.sensor(
        name="late_data_sensor",
        job_name=REBUILD,
        minimum_interval_seconds=60,
        default_status=switches.of_sensors(settings),
        description="What is stored of past days and is of other views than those there are is computed anew, that alone, "
        "contiguous days in one run; no result more often than once an hour.",
    )
    def late_data(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = datetime.now(UTC)
        yesterday = today(settings.operator_zone) - timedelta(days=1)
        engine = shared(settings.complete().database_url)
        try:
            stale = stale_results(engine, settings.first_partition, yesterday, rules_of(settings))
            outages = problems.outages(engine, since=now - REST)
            most_days = days_that_fit(engine, stale, settings.run_soft_time_limit_minutes * 60)
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said which days changed: {err}")
        failed = dg.RunsFilter(job_name=REBUILD, statuses=[dg.DagsterRunStatus.FAILURE], updated_after=now - REST)
        resting = at_rest(failed_runs(context.instance, failed), outages)
        return plan_rebuild(stale, in_flight(context.instance, RANGE, REBUILD), resting, now, most_days)

    return late_data


def stale_results(engine: sa.Engine, first: date, last: date, rules: Rules) -> dict[date, Stale]:
    """Return which analyses and documents of the days from *first* to *last* are stale, in order of the days; of the documents,
    those that will not be made anew with a stale analysis.
    """
    analyses, documents = stale_days(engine, first, last, rules), stale_documents(engine, first, last)
    alone = {
        day: {name: made_at for name, made_at in names.items() if name not in documents_of(analyses.get(day, {}))}
        for day, names in documents.items()
    }
    every = {day: {**analyses.get(day, {}), **alone.get(day, {})} for day in sorted({*analyses, *alone})}
    return {day: names for day, names in every.items() if names}


def days_that_fit(engine: sa.Engine, stale: Mapping[date, Stale], limit_seconds: float) -> int:
    """Return of how many days a run can compute what is stale in half of the time that it has, as long as that took last: a run
    that is stopped at its limit rests for an hour.
    """
    names = set().union(*stale.values())
    with engine.connect() as connection:
        seconds = catalogue.seconds_of_a_day(connection, names) + _SECONDS_A_RESULT * len(names)
    return max(1, min(_DAYS_A_REBUILD, int(limit_seconds / 2 / max(seconds, 1.0))))


def plan_rebuild(
    stale: Mapping[date, Stale],
    others: Sequence[object],
    resting: Sequence[Mapping[str, str]],
    now: datetime,
    most_days: int = _DAYS_A_REBUILD,
) -> dg.RunRequest | dg.SkipReason:
    """Return a run of what is stale of the newest contiguous days; one at a time.

    Analyses of a period are of the range that a run is for, so those of single days are computed when nothing else is stale, a
    day a run.

    :param stale: in order of days, the analyses and documents, and when each was last made, if it was.
    :param others: runs in flight that analyse past days.
    :param resting: the tags of runs whose days are left alone, as ``lost_runs.at_rest`` tells.
    :param most_days: that a run may have.
    """
    due = {
        day: names
        for day, analyses in stale.items()
        if (names := _due(analyses, now)) and not any(covers(tags, day.isoformat()) for tags in resting)
    }
    if not stale:
        return dg.SkipReason("The analyses of every past day are of its views as they are.")
    if others:
        return dg.SkipReason(f"{len(stale)} days wait for the run that is in flight.")
    if not due:
        return dg.SkipReason(f"{len(stale)} days changed again within an hour of their last analysis, or that failed.")
    looking_back = [day for day, names in due.items() if any(not _is_of_period(name) for name in names)]
    days = contiguous(looking_back)[-1] if looking_back else Period(max(due), max(due))
    last = days.last
    first = max(days.first, last - timedelta(days=most_days - 1))
    names = set().union(*(names for day, names in due.items() if first <= day <= last))
    if first < last:
        names = {name for name in names if not _is_of_period(name)}
    return dg.RunRequest(
        tags={RANGE_START: first.isoformat(), RANGE_END: last.isoformat()},
        asset_selection=[dg.AssetKey(name) for name in sorted(names | documents_of(names))],
    )


def _is_of_period(name: str) -> bool:
    return DOCUMENTS[name][1] == "period" if name in DOCUMENTS else is_of_period(name)


def _due(analyses: Stale, now: datetime) -> set[str]:
    """Return those whose last result is an hour old, or that have none: late records trickle in, and a rebuild leaves its
    events.
    """
    return {name for name, made_at in analyses.items() if made_at is None or now - made_at >= REST}
