"""A result is the same once it is settled, however the records came and whenever it was computed before."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import sqlalchemy as sa
from analyses.histories import REQUIRED

from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import computing, stored
from telemetry_pipeline.results.freshness.staleness import stale_days
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core.views import merge
from telemetry_pipeline.warehouse.db.connections import shared
from telemetry_pipeline.warehouse.raw import completeness, records
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch

ZONE = ZoneInfo("America/Mexico_City")
FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(6)]
SETTLED = datetime(2026, 3, 9, 12, tzinfo=UTC)
PERIODS = [Period(DAYS[1], DAYS[1]), Period(DAYS[4], DAYS[4]), Period(DAYS[1], DAYS[3])]

Rows = dict[tuple[str, Period], list[dict[str, Any]]]


@dataclass(frozen=True)
class Stop:
    """A stop, and when the upstream has it; its clock may be ahead of that."""

    record_id: int
    ended_at: datetime
    arrives_at: datetime
    duration: int | None
    channel: int
    subscriber: str | None
    device: int | None

    @property
    def row(self) -> tuple[Any, ...]:
        values = {
            "record_id": self.record_id,
            "action_id": 8,
            "data_id": self.channel,
            "data_name": f"Canal {self.channel}",
            "duration_seconds": self.duration,
            "timestamp": self.ended_at.isoformat(),
            "local_date": self.ended_at.astimezone(ZONE).date().isoformat(),
            "subscriber_code": self.subscriber,
            "device_id": self.device,
            "whois_country": "MX",
            "whois_isp": "Red",
        }
        return tuple({**dict.fromkeys(COLUMNS), **values}.values())


def made(rng: random.Random) -> list[Stop]:
    """Stops of six days and the day after: over midnight, of boxes left on, late, of clocks ahead, some of them twice."""
    midnight = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=ZONE).astimezone(UTC)
    stops: list[Stop] = []
    for number in range(160):
        ended_at = midnight + timedelta(minutes=rng.randrange(7 * 24 * 60))
        late = rng.choice([0, 0, 0, 1, 30, 600, 2000])
        ahead = rng.choice([0] * 12 + [5, 90, 1500])
        stop = Stop(
            record_id=1000 + rng.randrange(10**6),
            ended_at=ended_at,
            arrives_at=ended_at + timedelta(minutes=late - ahead),
            duration=rng.choice([None, 0, 60, 900, 2100, 2100, 7200, 20_000, 100_000]),
            channel=rng.choice([1, 1, 2, 3]),
            subscriber=rng.choice(["S1", "S2", "S3", "S4", None]),
            device=rng.choice([1, 2, 3, 4, None]),
        )
        stops.append(stop)
        if number % 20 == 0:
            stops.append(Stop(**{**vars(stop), "record_id": stop.record_id + 10**6, "arrives_at": stop.arrives_at}))
    return list({stop.record_id: stop for stop in stops}.values())


def sync(engine: sa.Engine, stops: list[Stop], at: datetime) -> None:
    """Read everything that the upstream has at a moment, as a tick does, and merge it."""
    batch = Batch(received_at=at)
    batch.add([stop.row for stop in stops if stop.arrives_at <= at])
    with records.writing(engine) as connection:
        records.store(connection, batch)
    completeness.live_edge_read(engine, at, ZONE)
    merge(engine, ZONE.key)


def compute(engine: sa.Engine, store: Store, periods: list[Period]) -> None:
    """Everything of some periods, or of their last days, that is not as it should be."""
    for name, analysis in all_analyses().items():
        parameters = analysis.parse(REQUIRED.get(name, {}))
        for period in periods:
            windows = [period] if analysis.is_of_period else [analysis.window(period.last, parameters)]
            computing.update(engine, store, analysis, windows, parameters)


def about(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows that equal those whose floating-point numbers were summed up in another order."""
    return [{name: pytest.approx(value) if isinstance(value, float) else value for name, value in row.items()} for row in rows]


def read(engine: sa.Engine, rules: Rules) -> Rows:
    """What is stored."""
    found: Rows = {}
    with engine.connect() as connection:
        for name, analysis in all_analyses().items():
            parameters = analysis.parse(REQUIRED.get(name, {}))
            for period in PERIODS:
                asked = {"period": period} if analysis.is_of_period else {"day": period.last}
                result = stored.read(connection, analysis, parameters, rules, **asked)
                assert result is not None, (name, period)
                assert not result.outdated, (name, period)
                found[name, period] = to_rows(result.frame)
    return found


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(1))
def test_a_settled_result_is_the_same_however_it_came_about(seed: int, database_url: str, another_database_url: str) -> None:
    rng = random.Random(seed)
    rules = Rules(ZONE, Cap(rng.choice([None, 3.0])))
    stops = made(rng)
    at_once, bit_by_bit = shared(database_url), shared(another_database_url)
    sync(at_once, stops, SETTLED)
    compute(at_once, Store(rules), PERIODS)
    expected = read(at_once, rules)

    begin = datetime(FIRST.year, FIRST.month, FIRST.day, 9, tzinfo=UTC)
    store = Store(rules)
    for moment in sorted(begin + timedelta(minutes=rng.randrange(7 * 24 * 60)) for _ in range(5)):
        rng.shuffle(stops)
        sync(bit_by_bit, stops, moment)
        compute(
            bit_by_bit, store, [period for period in rng.sample(PERIODS, 2) if period.last <= moment.astimezone(ZONE).date()]
        )
    sync(bit_by_bit, stops, SETTLED)
    compute(bit_by_bit, store, PERIODS)
    found = read(bit_by_bit, rules)
    for key, rows in expected.items():
        assert found[key] == about(rows), key
    assert stale_days(bit_by_bit, DAYS[0], DAYS[-1], rules).keys().isdisjoint(period.last for period in PERIODS)
