"""Reports that are due: made when their days are complete, or given up when they have waited for as long as they may."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import dagster as dg

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.orchestration import switches
from telemetry_pipeline.orchestration.due_reports import requests_of
from telemetry_pipeline.reports.publishing.due import last_due
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import connect

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
        due = [each for each in last_due(settings, settings.operator_zone, now) if now - each.since >= _SCHEDULE_FIRST]
        before = {name: datetime.fromisoformat(since) for name, since in json.loads(context.cursor or "{}").items()}
        seen = {each.name: before.get(each.name, now) for each in due}
        try:
            engine = connect(settings.complete().database_url)
            asked = [
                request
                for each in due
                for request in requests_of(context.instance, engine, each, settings, now, seen[each.name])
            ]
        except WarehouseError as err:
            return dg.SkipReason(f"It cannot be said which reports are made: {err}")
        context.update_cursor(json.dumps({name: since.isoformat() for name, since in seen.items()}))
        return dg.SensorResult(run_requests=asked) if asked else dg.SkipReason("No report is due that can be made.")

    return reports
