"""An upstream that went silent: no new record although ticks succeed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import dagster as dg

from telemetry_pipeline.ages import is_recent
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.checks import Freshness, read_freshness
from telemetry_pipeline.warehouse.operations.problems import Problem


def build_freshness_sensor(settings: StackSettings) -> dg.SensorDefinition:
    """Build the sensor that keeps a problem on record as long as records stay away."""

    @dg.sensor(
        name="freshness_sensor",
        minimum_interval_seconds=60,
        default_status=switches.of_sensors(settings),
        description="No new record for FRESHNESS_MINUTES although ticks succeed: the upstream, or what feeds it, is silent.",
    )
    def freshness(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        engine = shared(settings.complete().database_url)
        try:
            silent = silent_for(
                read_freshness(engine), datetime.now(UTC), ticks_within=timedelta(minutes=settings.heartbeat_minutes)
            )
            if silent is None:
                return dg.SkipReason("No tick succeeds, which the watch tells, or there was never a record.")
            opened = problems.open_problems(engine)
            if any(each.key.startswith(problems.UPSTREAM) for each in opened):
                return dg.SkipReason("Not all that PanAccess has is stored, which a problem of its own tells.")
            if silent <= timedelta(minutes=settings.freshness_minutes):
                problems.resolve(engine, "freshness")
                return dg.SkipReason("New records come in.")
            minutes = int(silent.total_seconds() // 60)
            since = f"For {minutes} minutes now; FRESHNESS_MINUTES is {settings.freshness_minutes}."
            problems.report(engine, Problem.of("freshness", since))
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said how fresh the records are: {err}")
        return dg.SkipReason(f"No new record for {minutes} minutes.")

    return freshness


def silent_for(freshness: Freshness, now: datetime, *, ticks_within: timedelta) -> timedelta | None:
    """Return for how long no new record has come; None when no sync succeeds, or nothing ever came."""
    if freshness.received_at is None or not is_recent(freshness.synced_at, now, ticks_within):
        return None
    return now - freshness.received_at
