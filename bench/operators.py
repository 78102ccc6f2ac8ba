"""The history of an operator of any size, stored and merged as a sync and a merge do, without the upstream."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import sqlalchemy as sa

from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.core import segments, views
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.db.partitions import keep_months
from telemetry_pipeline.warehouse.raw import claims
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch
from telemetry_pipeline.warehouse.raw.records import store, writing

CHANNELS = 220
_ROWS = 50_000
_MEDIAN_SECONDS = 600
_HIGHEST = sa.text("select coalesce(max(record_id), 0) from telemetry.records")
_VACUUM = sa.text("vacuum analyze telemetry.records, telemetry.views")


def load(settings: StackSettings, url: str, records: int, subscribers: int, days: int) -> None:
    """Store so many records of the days before today, a start and a stop in turn, merge them, and make their segments.

    Channels are watched as often as one over their rank, views last 10 minutes in the middle, and every fourth subscriber has
    two devices.
    """
    engine, zone = shared(url), settings.operator_zone
    today = datetime.now(zone).date()
    first = today - timedelta(days=days)
    keep_months(engine, first)
    with engine.connect() as connection:
        highest = int(connection.scalar(_HIGHEST) or 0)
    random = np.random.default_rng(1)
    begin = datetime(first.year, first.month, first.day, tzinfo=zone).astimezone(UTC)
    per_day = records // days
    for day in range(days):
        with writing(engine) as connection:
            for rows in _rows(random, highest + day * per_day, per_day, subscribers, begin + timedelta(days=day), first, day):
                batch = Batch(made_with=claims.of_settings(settings), cursor=rows[-1][0])
                batch.add(rows)
                store(connection, batch)
        views.merge(engine, zone.key)
        print(f"stored and merged {first + timedelta(days=day)}", flush=True)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(_VACUUM)
    segments.refresh(engine)


def _rows(
    random: np.random.Generator, below: int, count: int, subscribers: int, begin: datetime, first: date, day: int
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield the records of a day, with the ids above *below*."""
    local_date = (first + timedelta(days=day)).isoformat()
    weights = 1 / np.arange(1, CHANNELS + 1)
    for at in range(0, count, _ROWS):
        pairs = min(_ROWS, count - at) // 2
        watched = random.choice(CHANNELS, pairs, p=weights / weights.sum()) + 1
        who = random.integers(0, subscribers, pairs)
        second = np.sort(random.integers(0, 86_400, pairs))
        duration = np.minimum(random.lognormal(np.log(_MEDIAN_SECONDS), 1.0, pairs), 14_400).astype(int)
        second_box = random.integers(0, 2, pairs) * (who % 4 == 0)
        yield [
            tuple({**_NOTHING, **row}.values())
            for number in range(pairs)
            for row in _pair(
                below + at + 2 * number + 1,
                (begin + timedelta(seconds=int(second[number]))).isoformat(),
                local_date,
                int(watched[number]),
                int(who[number]),
                int(2 * who[number] + second_box[number]),
                int(duration[number]),
            )
        ]


_NOTHING = dict.fromkeys(COLUMNS)


def _pair(
    record_id: int, moment: str, local_date: str, channel: int, subscriber: int, device: int, seconds: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    both = {
        "timestamp": moment,
        "local_date": local_date,
        "data_id": channel,
        "subscriber_code": f"S{subscriber:06}",
        "device_id": device,
        "whois_country": "MX",
        "whois_isp": f"Proveedor {subscriber % 7}",
    }
    return (
        both | {"record_id": record_id, "action_id": 7, "data_name": f"Canal {channel}"},
        both | {"record_id": record_id + 1, "action_id": 8, "duration_seconds": seconds},
    )
