"""Reports that are due: made when their days are complete, or given up when they have waited for as long as they may."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import dagster as dg

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.orchestration.due_reports import look_at, tell
from telemetry_pipeline.reports.publishing.due import Waiting
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import shared

_SCHEDULE_FIRST = timedelta(seconds=90)
"""The schedule of a report asks for it at its hour; the sensor for what that could not."""


def build_reports_sensor(settings: StackSettings) -> dg.SensorDefinition:
    """Build the sensor that asks for reports that are due and not made."""

    @dg.sensor(
        name="reports_sensor",
        asset_selection=[*KINDS],
        minimum_interval_seconds=60,
        default_status=switches.of_sensors(settings),
        description="A report that is due is made as soon as its days are complete; after REPORT_DEADLINE_HOURS it is made "
        "as it is or withheld, as INCOMPLETE_REPORTS says, and somebody is told.",
    )
    def reports(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        now = datetime.now(UTC)
        waiting = Waiting.read(context.cursor).looked_at(settings, settings.operator_zone, now - _SCHEDULE_FIRST, now)
        try:
            engine = shared(settings.complete().database_url)
            answers = [look_at(context.instance, engine, due, settings, now, since) for due, since in waiting.seen]
            tell(engine, answers)
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said which reports are made: {err}")
        left = tuple(seen for seen, answer in zip(waiting.seen, answers, strict=True) if answer.waits)
        context.update_cursor(replace(waiting, seen=left).written())
        asked = [request for answer in answers for request in answer.requests]
        return dg.SensorResult(run_requests=asked) if asked else dg.SkipReason("No report is due that can be made.")

    return reports
