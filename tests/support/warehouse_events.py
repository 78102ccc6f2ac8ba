"""Records, the views that they should become, and a store of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch

ZONE = "America/Mexico_City"
MEXICO = ZoneInfo(ZONE)
NOON = datetime(2025, 1, 30, 12, tzinfo=UTC)
START, STOP = 7, 8


@dataclass(frozen=True)
class Event:
    """A record, as far as a merge looks at it."""

    record_id: int
    action: int
    channel: int | None = 1
    name: str | None = None
    duration: int | None = None
    hours: int = 0

    @property
    def ended_at(self) -> datetime:
        return NOON + timedelta(hours=self.hours)

    @property
    def local_date(self) -> date:
        return self.ended_at.astimezone(MEXICO).date()

    @property
    def row(self) -> tuple[Any, ...]:
        values = {
            "record_id": self.record_id,
            "action_id": self.action,
            "data_id": self.channel,
            "data_name": self.name,
            "duration_seconds": self.duration,
            "timestamp": self.ended_at.isoformat(),
            "local_date": self.local_date.isoformat(),
            "subscriber_code": f"S-{self.record_id}",
            "device_id": self.record_id * 3,
            "whois_country": "MX",
            "whois_isp": f"ISP {self.hours}",
        }
        return tuple({**dict.fromkeys(COLUMNS), **values}.values())


def start(record_id: int, name: str | None, channel: int | None = 1) -> Event:
    return Event(record_id, START, channel, name)


def stop(record_id: int, channel: int | None = 1, name: str | None = None, **values: Any) -> Event:
    return Event(record_id, STOP, channel, name, **values)


def oracle(events: list[Event]) -> list[tuple[Any, ...]]:
    """The views of these records, from the definition."""
    return [
        (
            event.record_id,
            event.local_date,
            event.ended_at.astimezone(MEXICO).hour,
            event.ended_at,
            event.ended_at - timedelta(seconds=event.duration) if event.duration is not None and event.duration >= 0 else None,
            event.duration if event.duration is not None and event.duration >= 0 else None,
            event.channel,
            name_of(event, events),
            f"S-{event.record_id}",
            event.record_id * 3,
            "MX",
            f"ISP {event.hours}",
            None,
        )
        for event in sorted(events, key=lambda event: event.record_id)
        if event.action == STOP and event.channel is not None
    ]


def name_of(event: Event, events: list[Event]) -> str | None:
    starts = sorted(
        (other.record_id, other.name)
        for other in events
        if other.action == START and other.channel == event.channel and other.name
    )
    before = [name for record_id, name in starts if record_id <= event.record_id]
    after = [name for record_id, name in starts if record_id > event.record_id]
    return before[-1] if before else after[0] if after else event.name or None


def runs_of(events: list[Event]) -> list[tuple[int, str, int, int]]:
    """Maximal runs of consecutive starts of a channel with one name."""
    found = []
    named = [event for event in events if event.action == START and event.channel is not None and event.name]
    for channel in sorted({event.channel for event in named if event.channel is not None}):
        starts = sorted((event.record_id, event.name or "") for event in named if event.channel == channel)
        for name, run in groupby(starts, key=lambda one: one[1]):
            ids = [record_id for record_id, _ in run]
            found.append((channel, name, ids[0], ids[-1]))
    return found


def select(engine: sa.Engine, query: str) -> list[Any]:
    with engine.connect() as connection:
        return list(connection.execute(sa.text(query)).all())


def views(engine: sa.Engine) -> list[tuple[Any, ...]]:
    return select(engine, "select * from telemetry.views order by record_id")


def names(engine: sa.Engine) -> dict[int, str | None]:
    return dict(select(engine, "select record_id, channel_name from telemetry.views order by record_id"))


def complete(engine: sa.Engine, before: date = date(2100, 1, 1)) -> None:
    """Every day before that one was read to its end; the first day of data never is."""
    with engine.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set complete_before = :before"), {"before": before})


def store(engine: sa.Engine, *events: Event) -> None:
    batch = Batch()
    batch.add([event.row for event in events])
    with records.writing(engine) as connection:
        records.store(connection, batch)


def with_two_days(engine: sa.Engine) -> sa.Engine:
    """A warehouse of two complete days, 2025-01-30 and the next, behind the first one of data."""
    store(engine, start(1, "A"), stop(2, duration=3600), stop(3, duration=7200, hours=24), stop(4, hours=-24))
    merge(engine, ZONE)
    complete(engine)
    return engine


_BY_ROW = """
    select local_date, local_hour, ended_at at time zone 'UTC' as ended_at, duration_seconds, channel_name, subscriber_code,
           device_id, country, isp
    from telemetry.views order by local_date, record_id
"""


def check(engine: sa.Engine, events: list[Event]) -> None:
    assert views(engine) == oracle(events)
    by_column = segments.read(engine, date.min, date.max).table.to_pylist()
    assert by_column == [row._asdict() for row in select(engine, _BY_ROW)]
    assert select(engine, "select * from telemetry.channel_names order by channel_id, first_record_id") == runs_of(events)


def clear(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        for table in ("records", "views", "channel_names", "pending_merges", "view_days", "view_segments"):
            connection.execute(sa.text(f"delete from telemetry.{table}"))
