"""Ingest: 400,000 records from a zero-latency simulator into the real tables, against one COPY of the same encoded rows.

Both fill the same empty tables, in turn, so that a machine that slows down slows both. ``ratio_to_copy`` is the sync's rows
a second over the COPY's, ``memory_mb`` the peak of the process that syncs.
"""

from __future__ import annotations

import argparse
import time

import psycopg

from bench.harness import database, median, result, simulator, synchroniser, truncate
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.raw.batch import COLUMNS, COPY_RECORDS

_TABLES = ("records", "pending_merges")
_COPY_OUT = (
    f"copy (select {', '.join(COLUMNS)}, received_at from telemetry.records order by record_id) to stdout "
    "(format csv, quote '\"', escape '\\', null 'null', force_quote (action_key, data_name, data))"
)


def main(records: int = 400_000, rounds: int = 5) -> None:
    """Measure and print."""
    sync_seconds, copy_seconds, memory_mb = [], [], []
    with database() as url, simulator(records, days=90) as source, synchroniser() as synchronise:
        engine = connect(url)
        stored, _, _ = synchronise(url, source)
        libpq_url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(libpq_url, autocommit=True) as connection:
            with connection.cursor().copy(_COPY_OUT) as copy:
                payload = b"".join(copy)
            for number in range(1, rounds + 1):
                truncate(engine, *_TABLES)
                _, seconds, memory = synchronise(url, source)
                sync_seconds.append(seconds)
                memory_mb.append(memory)
                truncate(engine, *_TABLES)
                begin = time.perf_counter()
                with connection.cursor().copy(COPY_RECORDS) as copy:
                    copy.write(payload)
                copy_seconds.append(time.perf_counter() - begin)
                print(
                    f"round {number}: sync {stored / sync_seconds[-1]:,.0f} rows/s, "
                    f"COPY {stored / copy_seconds[-1]:,.0f} rows/s, "
                    f"ratio {copy_seconds[-1] / sync_seconds[-1]:.2f}, sync's memory {memory:.0f} MB",
                    flush=True,
                )
    result(
        bench="ingest",
        records=stored,
        sync_rows_per_second=median([stored / seconds for seconds in sync_seconds]),
        copy_rows_per_second=median([stored / seconds for seconds in copy_seconds]),
        ratio_to_copy=median([copy / sync for copy, sync in zip(copy_seconds, sync_seconds, strict=True)]),
        memory_mb=max(memory_mb),
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=400_000)
    arguments.add_argument("--rounds", type=int, default=5)
    main(**vars(arguments.parse_args()))
