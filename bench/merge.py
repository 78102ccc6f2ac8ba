"""Merge: every stop of 400,000 records merged with its channel's name, against a plain INSERT ... SELECT of the same rows.

``ratio_to_insert`` is the plain insert's time over the full merge's, both into the same empty tables, in turn; the plain one
writes a constant where the other looks the name up. Then 1,000 new stops are merged on top of 400,000 and of ten times as many
records: ``increment_ratio`` is how much longer the latter takes.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bench.harness import OPERATOR_TIMEZONE, database, median, result, simulator, synchroniser, truncate
from telemetry_pipeline.warehouse.core import views
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, Batch
from telemetry_pipeline.warehouse.raw.records import store, writing

_PLAIN_INSERT = sa.text("""
    insert into telemetry.views (record_id, local_date, local_hour, ended_at, started_at, duration_seconds, channel_id,
                                 channel_name, subscriber_code, device_id, country, isp)
    select record_id, local_date, extract(hour from timestamp at time zone :operator_timezone)::smallint, timestamp,
           case when duration_seconds >= 0 then timestamp - make_interval(secs => duration_seconds) end,
           case when duration_seconds >= 0 then duration_seconds end, data_id, 'Canal de Prueba',
           nullif(subscriber_code, ''), device_id, nullif(whois_country, ''), nullif(whois_isp, '')
    from telemetry.records where action_id = 8 and data_id is not null
""")
_PEND_EVERYTHING = sa.text("""
    insert into telemetry.pending_merges (first_record_id, last_record_id, days)
    select min(record_id), max(record_id), array_agg(distinct local_date) from telemetry.records
""")

_PRESENT_NAMES = sa.text("""
    select distinct on (channel_id) channel_id, name from telemetry.channel_names
    order by channel_id, first_record_id desc limit 100
""")


def main(records: int = 400_000, rounds: int = 5) -> None:
    """Measure and print."""
    merges, inserts = [], []
    with database() as url, simulator(records, days=90) as source, synchroniser() as synchronise:
        synchronise(url, source)
        engine = connect(url)
        count = views.merge(engine, OPERATOR_TIMEZONE).inserted
        _settle(engine)
        for number in range(1, rounds + 1):
            merges.append(_full_merge(engine))
            inserts.append(_plain_insert(engine))
            print(f"round {number}: merge {merges[-1]:.2f} s, insert {inserts[-1]:.2f} s", flush=True)
        _full_merge(engine)
        small = _increments(engine)
    with database() as url, simulator(10 * records, days=900) as source, synchroniser() as synchronise:
        synchronise(url, source)
        engine = connect(url)
        views.merge(engine, OPERATOR_TIMEZONE)
        large = _increments(engine)
    print(f"1,000 stops on {records:,}: {1000 * median(small):.0f} ms, on {10 * records:,}: {1000 * median(large):.0f} ms")
    result(
        bench="merge",
        views=count,
        merge_seconds=median(merges),
        insert_seconds=median(inserts),
        ratio_to_insert=median([insert / merge for insert, merge in zip(inserts, merges, strict=True)]),
        increment_ms=median([1000 * seconds for seconds in small]),
        increment_ms_at_ten_times=median([1000 * seconds for seconds in large]),
        increment_ratio=median(large) / median(small),
    )


def _full_merge(engine: sa.Engine) -> float:
    truncate(engine, "views", "channel_names", "pending_merges")
    with engine.begin() as connection:
        connection.execute(_PEND_EVERYTHING)
    begin = time.perf_counter()
    views.merge(engine, OPERATOR_TIMEZONE)
    return time.perf_counter() - begin


def _plain_insert(engine: sa.Engine) -> float:
    truncate(engine, "views")
    begin = time.perf_counter()
    with engine.begin() as connection:
        connection.execute(_PLAIN_INSERT, {"operator_timezone": OPERATOR_TIMEZONE})
    return time.perf_counter() - begin


def _increments(engine: sa.Engine, times: int = 7) -> list[float]:
    _settle(engine)
    seconds = []
    for _ in range(times):
        _store_increment(engine)
        begin = time.perf_counter()
        merged = views.merge(engine, OPERATOR_TIMEZONE).inserted
        seconds.append(time.perf_counter() - begin)
        if merged != 1_000:
            raise SystemExit(f"{merged} views were merged, 1,000 were expected")
    return seconds[1:]


def _store_increment(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        highest = connection.scalar(sa.text("select max(record_id) from telemetry.records"))
        channels = connection.execute(_PRESENT_NAMES).all()
    begin = datetime.now(UTC) - timedelta(seconds=2_000)
    rows = []
    for number in range(2_000):
        channel_id, name = channels[number // 2 % len(channels)]
        row = dict.fromkeys(COLUMNS)
        row |= {"record_id": highest + 1 + number, "timestamp": (begin + timedelta(seconds=number)).isoformat()}
        row |= {"local_date": begin.date().isoformat(), "data_id": channel_id, "device_id": number}
        row |= {"action_id": 7, "data_name": name} if number % 2 == 0 else {"action_id": 8, "duration_seconds": 60}
        rows.append(tuple(row.values()))
    batch = Batch()
    batch.add(rows)
    with writing(engine) as connection:
        store(connection, batch)


def _settle(engine: sa.Engine) -> None:
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("vacuum analyze telemetry.records, telemetry.views"))


if __name__ == "__main__":
    main()
