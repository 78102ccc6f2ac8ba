"""Rows and batches of records as the warehouse takes them, and looks at what is stored."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch
from telemetry_pipeline.warehouse.raw.records import Stored

RECEIVED_AT = datetime(2025, 3, 4, 5, 0, 0, 123_456, UTC)


def row(record_id: int, **values: Any) -> tuple[Any, ...]:
    defaults = {
        "record_id": record_id,
        "timestamp": f"{values.get('local_date', '2025-03-04')} 05:06:07+00:00",
        "local_date": "2025-03-04",
    }
    return tuple({**dict.fromkeys(COLUMNS), **defaults, **values}.values())


def batch_of(*rows: tuple[Any, ...], **options: Any) -> Batch:
    batch = Batch(**options)
    batch.add(rows)
    return batch


def store(engine: sa.Engine, batch: Batch) -> Stored:
    with records.writing(engine) as connection:
        return records.store(connection, batch)


def select(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        found = connection.execute(sa.text(query)).all()
    return [one[0] if len(one) == 1 else tuple(one) for one in found]
