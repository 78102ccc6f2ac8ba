"""Stops of one day's views that may not count, a sync that reads them, and which of them do not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import sqlalchemy as sa
from warehouse_events import MEXICO, ZONE, select

from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch

MIDNIGHT = datetime(2025, 1, 31, 6, tzinfo=UTC)
DAY = date(2025, 1, 31)
LATE = 10**6


@dataclass(frozen=True)
class Stop:
    """A stop so many minutes after the operator's midnight."""

    record_id: int
    minute: int = 0
    device: int | None = 1
    channel: int = 1
    duration: int | None = 60

    @property
    def ended_at(self) -> datetime:
        return MIDNIGHT + timedelta(minutes=self.minute)

    @property
    def local_date(self) -> date:
        return self.ended_at.astimezone(MEXICO).date()

    @property
    def begun_before_its_day(self) -> bool:
        began_at = self.ended_at - timedelta(seconds=self.duration or 0)
        return began_at.astimezone(MEXICO).date() < self.local_date

    @property
    def row(self) -> tuple[Any, ...]:
        values = {
            "record_id": self.record_id,
            "action_id": 8,
            "data_id": self.channel,
            "device_id": self.device,
            "duration_seconds": self.duration,
            "timestamp": self.ended_at.isoformat(),
            "local_date": self.local_date.isoformat(),
        }
        return tuple({**dict.fromkeys(COLUMNS), **values}.values())


def arrive(engine: sa.Engine, *stops: Stop, minute: int = LATE) -> None:
    """Stops that a sync reads which began so many minutes after midnight."""
    batch = Batch(received_at=MIDNIGHT + timedelta(minutes=minute))
    batch.add([stop.row for stop in stops])
    with records.writing(engine) as connection:
        records.store(connection, batch)


def excluded(engine: sa.Engine) -> dict[int, str]:
    return dict(select(engine, "select record_id, excluded from telemetry.views where excluded is not null order by 1"))


def merged(engine: sa.Engine, *stops: Stop, minute: int = LATE) -> dict[int, str]:
    """What does not count after these stops came and were merged."""
    arrive(engine, *stops, minute=minute)
    merge(engine, ZONE)
    return excluded(engine)


def versions(engine: sa.Engine) -> dict[date, tuple[int, int]]:
    found = select(engine, "select local_date, version, spill_version from telemetry.view_days")
    return {day: (version, spill) for day, version, spill in found}
