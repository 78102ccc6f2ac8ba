"""What the tests of the orchestration share: records as the upstream gives them, and looks into the warehouse."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

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
