"""A small operator with habits: channels that are watched more and less, evenings, people who left, names that are odd."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import sqlalchemy as sa
from warehouse_events import MEXICO, START, STOP, ZONE

from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.raw import records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch

ODD_CHANNEL = "<script>alert(\"1\")</script> & 'Canal' ١٢٣ عربي \u202eabc"
LONG_CHANNEL = "Un canal de nombre larguísimo " * 7
CHANNELS = [
    "Canal Estrella",
    "Noticias 24",
    "Deportes Uno",
    "Cine Ñandú",
    "Niños TV",
    "Música",
    "Canal 7",
    ODD_CHANNEL,
    LONG_CHANNEL,
]
ODD_SUBSCRIBER = '<b>"S\'7"</b>&codigo=x'
SUBSCRIBERS = [ODD_SUBSCRIBER, *(f"S-{number:04}" for number in range(1, 60))]
RETURNED = "S-0099"
"""Who watches an hour on two days, three weeks apart."""
_RETURNS = (24, 2)
_GONE_FROM = 54
_GONE_DAYS = 8


def fill(engine: sa.Engine, today: date, days: int = 30) -> datetime:
    """Store and merge *days* days that end with today, of which the evening is still to come; until when they are known."""
    rng = random.Random(7)
    known_until = datetime.combine(today, time(18, 20), MEXICO).astimezone(UTC)
    rows: list[tuple[Any, ...]] = []
    for channel, name in enumerate(CHANNELS, 1):
        rows.append(_row(len(rows) + 1, START, channel, name, None, known_until - timedelta(days=days), None, 0))
    for back in range(days - 1, -1, -1):
        day = today - timedelta(days=back)
        if back in _RETURNS:
            noon = datetime.combine(day, time(12), MEXICO).astimezone(UTC)
            rows.append(_row(len(rows) + 1, STOP, 1, None, 3600, noon, RETURNED, 99))
        for number, code in enumerate(SUBSCRIBERS):
            if number >= _GONE_FROM and back < _GONE_DAYS:
                continue
            for _ in range(rng.choice([0, 1, 1, 2, 3])):
                hour = rng.choices(range(24), [1, 1, 1, 1, 1, 1, 2, 3, 3, 2, 2, 3, 4, 4, 4, 3, 3, 4, 6, 9, 12, 11, 7, 3])[0]
                ended = datetime.combine(day, time(hour, rng.randrange(60), rng.randrange(60)), MEXICO).astimezone(UTC)
                if ended > known_until:
                    continue
                channel = rng.choices(range(1, len(CHANNELS) + 1), [12, 9, 8 + 6 * (day.weekday() == 5), 6, 5, 3, 2, 1, 1])[0]
                duration = int(min(4 * 3600, 60 + rng.expovariate(1 / 2400)))
                rows.append(_row(len(rows) + 1, STOP, channel, None, duration, ended, code, number + 1))
    batch = Batch(received_at=datetime.now(UTC) + timedelta(days=2))
    batch.add(rows)
    with records.writing(engine) as connection:
        records.store(connection, batch)
    merge(engine, ZONE)
    with engine.begin() as connection:
        statement = "update telemetry.sync_state set complete_before = :today, known_until = :until, synced_at = now()"
        connection.execute(sa.text(statement), {"today": today, "until": known_until})
    return known_until


def _row(
    record_id: int,
    action: int,
    channel: int,
    name: str | None,
    duration: int | None,
    at: datetime,
    code: str | None,
    device: int,
) -> tuple[Any, ...]:
    values = {
        "record_id": record_id,
        "action_id": action,
        "data_id": channel,
        "data_name": name,
        "duration_seconds": duration,
        "timestamp": at.isoformat(),
        "local_date": at.astimezone(MEXICO).date().isoformat(),
        "subscriber_code": code,
        "device_id": device,
        "whois_country": "MX",
        "whois_isp": "Telmex",
    }
    return tuple({**dict.fromkeys(COLUMNS), **values}.values())
