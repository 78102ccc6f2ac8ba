"""Tick: from submitting ``telemetry_tick`` to its success, with 1,000 new records on 400,000 and on ten times as many.

Two whole local stacks run side by side and tick in turn, so that a machine that slows down slows both. The larger one is the
same operator with ten times the history: 900 days in place of 90. ``ratio`` is its median over the other's. On the smaller one
ticks of the spine alone, with eight analyses, alternate with those of everything: ``ratio_to_spine``.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import requests
import sqlalchemy as sa

from bench.harness import median, result, stack_settings
from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack
from telemetry_pipeline.warehouse.db.connections import connect

_NEVER = "0 0 29 2 *"
_NEW_RECORDS = 1_000
_SPINE = [
    "telemetry_records",
    "ott_views",
    "average_duration",
    "channel_audience",
    "general_summary",
    "geography",
    "peak_hours",
    "time_slots",
    "top_channels",
    "viewing_by_period",
]


class Bed:
    """A stack with its history synchronised, to tick on."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._client = stack.state.client()
        self._today = datetime.now(stack.settings.operator_zone).date()

    def fill(self, records: int) -> None:
        """Tick until the simulator's history is in the warehouse."""
        engine = connect(self._stack.state.owner_database_url)
        stored = 0
        while stored < 0.99 * records:
            seconds = self.tick()
            with engine.connect() as connection:
                stored = connection.scalar(sa.text("select count(*) from telemetry.records")) or 0
            print(f"filled {stored:,} of {records:,} in a tick of {seconds:.0f} s", flush=True)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("vacuum analyze"))

    def add_records(self) -> None:
        """1,000 new records, stamped now: starts and stops in turn."""
        upstream = self._stack.state.panaccess_url
        highest = requests.get(f"{upstream}health", timeout=30).json()["highest_id"]
        stamp = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
        records = [
            {
                "recordId": highest + 1 + number,
                "actionId": 7 + number % 2,
                "timestamp": stamp,
                "dataId": 1 + number // 2 % 100,
                "dataName": "" if number % 2 else f"Canal {1 + number // 2 % 100}",
                "dataDuration": 600 if number % 2 else None,
                "subscriberCode": f"B{number % 60}",
                "deviceId": number % 300,
            }
            for number in range(_NEW_RECORDS)
        ]
        requests.post(f"{upstream}records", json=records, timeout=30).raise_for_status()

    def tick(self, assets: Sequence[str] | None = None) -> float:
        """Seconds from submitting a tick, of everything or of some assets, to its success."""
        self._stack.tend()
        begin = time.perf_counter()
        run_id = self._client.launch(assets or "telemetry_tick", partition=self._today)
        *_, progress = self._client.watch(run_id, poll_seconds=0.05)
        if progress.status != RunStatus.SUCCESS:
            raise SystemExit(f"the tick ended with {progress.status}; see 'telemetry-pipeline status {run_id}'")
        return time.perf_counter() - begin


@contextmanager
def bed(records: int, days: int) -> Iterator[Bed]:
    """A stack over so many records, of so many days."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as home:
        settings = stack_settings(home, tick_cron=_NEVER)
        with Stack(settings, simulator=SimulatorOptions(records_count=records, days=days, live=0)) as stack:
            filled = Bed(stack)
            filled.fill(records)
            yield filled


def main(records: int = 400_000, rounds: int = 7) -> None:
    """Measure and print."""
    small_seconds: list[float] = []
    large_seconds: list[float] = []
    spine_seconds: list[float] = []
    with bed(records, days=90) as small, bed(10 * records, days=900) as large:
        for number in range(rounds + 1):
            for each, seconds in ((small, small_seconds), (large, large_seconds)):
                each.add_records()
                seconds.append(each.tick())
            small.add_records()
            spine_seconds.append(small.tick(_SPINE))
            figures = f"{small_seconds[-1]:.1f} s and {large_seconds[-1]:.1f} s; the spine alone {spine_seconds[-1]:.1f} s"
            print(f"round {number}: {figures}", flush=True)
    small_median, large_median = median(small_seconds[1:]), median(large_seconds[1:])
    result(
        bench="tick",
        records=records,
        seconds=small_median,
        seconds_at_ten_times=large_median,
        seconds_of_spine=median(spine_seconds[1:]),
        ratio_to_spine=median([whole / spine for whole, spine in zip(small_seconds[1:], spine_seconds[1:], strict=True)]),
        ratio=median([large / small for small, large in zip(small_seconds[1:], large_seconds[1:], strict=True)]),
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=400_000)
    arguments.add_argument("--rounds", type=int, default=7)
    main(**vars(arguments.parse_args()))
