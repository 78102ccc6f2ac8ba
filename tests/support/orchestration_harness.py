"""What the tests of the orchestration share: records of the upstream, and looks at the warehouse, at runs and at checks."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.orchestration.build import build_defs
from telemetry_pipeline.warehouse.db.connections import connect

STORAGE = {
    "custom": {
        "module": "telemetry_pipeline.orchestration.runtime.storage",
        "class": "KeepingPostgresStorage",
        "config": {"postgres_url": {"env": "DAGSTER_DATABASE_URL"}},
    }
}
"""Where runs are kept, for a ``dagster.yaml`` that names no class of instance."""


def record(record_id: int, action: int, when: datetime, **fields: Any) -> dict[str, Any]:
    return {
        "recordId": record_id,
        "actionId": action,
        "timestamp": f"{when:%Y-%m-%d %H:%M:%S}",
        "dataId": 7,
        "dataName": "Canal Siete" if action == 7 else "",
        "dataDuration": 600 if action == 8 else None,
        "subscriberCode": "S1",
        "deviceId": record_id,
        **fields,
    }


def scalar(pipeline: Any, query: str) -> Any:
    with connect(pipeline.settings.database_url).connect() as connection:
        return connection.scalar(sa.text(query))


def materialized(result: dg.ExecuteInProcessResult) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for event in result.all_events:
        if event.is_step_materialization and event.asset_key:
            found.setdefault(event.asset_key.to_user_string(), set()).add(event.partition or "")
    return found


def failure(result: dg.ExecuteInProcessResult, step: str) -> str:
    data = result.failure_data_for_node(step)
    assert data
    assert data.user_failure_data
    return str(data.user_failure_data.description)


def metadata_of(result: dg.ExecuteInProcessResult, asset: str, partition: date) -> dict[str, Any]:
    [event] = [
        event
        for event in result.all_events
        if event.is_step_materialization
        and event.asset_key
        and event.asset_key.to_user_string() == asset
        and event.partition == partition.isoformat()
    ]
    return {name: value.value for name, value in event.materialization.metadata.items()}


def execute(engine: sa.Engine, statement: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement))


def figures(result: dg.AssetCheckResult) -> dict[str, Any]:
    return {name: value.value for name, value in result.metadata.items()}


def sense(pipeline: Any, result: dg.ExecuteInProcessResult, job_name: str | None = None) -> None:
    """Tell the sensor that is for such an end of it, as if it were a run of that job."""
    run = result.dagster_run
    if job_name is not None:
        run = dg.DagsterRun(job_name=job_name, run_id=run.run_id, tags=run.tags, status=run.status)
    of_type = dg.DagsterEventType.RUN_SUCCESS if result.success else dg.DagsterEventType.RUN_FAILURE
    [event] = [event for event in result.all_events if event.event_type is of_type]
    sense_end(pipeline, run, event)


def sense_end(pipeline: Any, run: dg.DagsterRun, event: dg.DagsterEvent) -> None:
    success = event.event_type is dg.DagsterEventType.RUN_SUCCESS
    name = "run_successes_sensor" if success else "run_failures_sensor"
    context = dg.build_run_status_sensor_context(
        sensor_name=name, dagster_event=event, dagster_instance=pipeline.instance, dagster_run=run
    )
    sensor = build_defs(pipeline.settings).get_repository_def().get_sensor_def(name)
    sensor(context if success else context.for_run_failure())
