"""Tick: from submitting ``telemetry_tick`` to its success, with 1,000 new records on 400,000 and on ten times as many.

Two whole local stacks run side by side and tick in turn, so that a machine that slows down slows both. The larger one is the
same operator with ten times the history: 900 days in place of 90; ``ratio`` is what it takes of the processor over what the
other one does. The other figures are medians of the smaller one's: ``processor_seconds`` of all of its processes but the
simulator, ``wall_seconds``, the ``events`` of the run in Dagster's log and their ``event_bytes``. ``private_mb`` is what the
worker and its children hold for themselves, after the last tick.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
import sqlalchemy as sa

from bench.harness import median, result, stack_settings
from bench.processes import private_mb, processor_seconds, runs_of
from telemetry_pipeline.client.answers import RunStatus
from telemetry_pipeline.client.graphql import Endpoint
from telemetry_pipeline.job_names import TICK
from telemetry_pipeline.polling import polling
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack
from telemetry_pipeline.warehouse.db.connections import connect

_NEVER = "0 0 29 2 *"
_BY_ITSELF = {"dagster/schedule_name": "telemetry_sync_schedule"}
_NEW_RECORDS = 1_000
_SENSORS = "{ repositoriesOrError { ... on RepositoryConnection { nodes { sensors { sensorState { id } } } } } }"
_STOP = "mutation Stop($id: String!) { stopSensor(id: $id) { __typename } }"
_HIGHEST = sa.text("select max(record_id) from telemetry.records")
_NEWEST = sa.text("""
    select record_id as "recordId", action_id as "actionId", timestamp, data_id as "dataId", data_name as "dataName",
           duration_seconds as "dataDuration", subscriber_code as "subscriberCode", device_id as "deviceId"
    from telemetry.records order by record_id desc limit :count
""")
_STATUS = sa.text("select status from runs where run_id = :run_id")
_EVENTS = sa.text("select count(*), sum(octet_length(event)) from event_logs where run_id = :run_id")


@dataclass(frozen=True)
class Tick:
    """What one took."""

    processor_seconds: float
    wall_seconds: float
    events: int
    event_bytes: int


class Bed:
    """A stack with its history synchronised, to tick on.

    :ivar home: of the stack, with its *settings* and *database_url*. :ivar today: as the operator has it.
    """

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.home = stack.home
        self.settings = stack.settings
        self.database_url = stack.state.owner_database_url
        self._upstream = stack.state.panaccess_url
        self._client = stack.state.client()
        self.today = datetime.now(stack.settings.operator_zone).date()

    def fill(self, records: int) -> None:
        """Tick until the simulator's history is in the warehouse."""
        engine = connect(self.database_url)
        stored = 0
        while stored < 0.99 * records:
            seconds = self.tick().wall_seconds
            with engine.connect() as connection:
                stored = connection.scalar(sa.text("select count(*) from telemetry.records")) or 0
            print(f"filled {stored:,} of {records:,} in a tick of {seconds:.0f} s", flush=True)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(sa.text("vacuum analyze"))

    def stop_sensors(self) -> None:
        """Have none launch anything from now on."""
        server = Endpoint(f"{self._stack.state.socket_url}/graphql", timeout_seconds=60)
        for repository in server.ask(_SENSORS)["repositoriesOrError"]["nodes"]:
            for sensor in repository["sensors"]:
                server.ask(_STOP, id=sensor["sensorState"]["id"])

    def add_records(self) -> None:
        """1,000 new records, stamped now: starts and stops in turn."""
        with connect(self.database_url).connect() as connection:
            stored = connection.scalar(_HIGHEST) or 0
        highest = max(stored, requests.get(f"{self._upstream}health", timeout=30).json()["highest_id"])
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
        self._publish(records)

    def publish_newest(self) -> None:
        """Have the upstream know the newest records that are stored: a sync refuses one that knows none of them."""
        with connect(self.database_url).connect() as connection:
            newest = connection.execute(_NEWEST, {"count": _NEW_RECORDS}).mappings().all()
        self._publish([{**row, "timestamp": f"{row['timestamp'].astimezone(UTC):%Y-%m-%d %H:%M:%S}"} for row in newest])

    def _publish(self, records: list[dict[str, Any]]) -> None:
        requests.post(f"{self._upstream}records", json=records, timeout=30).raise_for_status()

    def tick(self) -> Tick:
        """Submit a tick and wait for its success."""
        return self.run(TICK, partition=self.today, tags=_BY_ITSELF)

    def run(self, job: str, **asked: Any) -> Tick:
        """Submit a job and wait for its success."""
        return self.begin(job, **asked)()

    def begin(self, job: str, **asked: Any) -> Callable[[], Tick]:
        """Submit a job, and return what waits for its success."""
        self._stack.tend()
        before, begin = processor_seconds(self.home), time.perf_counter()
        run_id = self._client.launch(job, **asked)
        return lambda: self._took(job, run_id, before, begin)

    def _took(self, job: str, run_id: str, before: float, begin: float) -> Tick:
        status = self._ended(run_id)
        seconds = time.perf_counter() - begin
        if status != RunStatus.SUCCESS:
            raise SystemExit(f"{job} ended with {status}; see 'telemetry-pipeline status {run_id}'")
        for _ in polling(10):
            if not runs_of(self.home):
                break
        with connect(self._stack.state.dagster_database_url).connect() as connection:
            events, event_bytes = connection.execute(_EVENTS, {"run_id": run_id}).one()
        return Tick(processor_seconds(self.home) - before, seconds, events, event_bytes)

    def _ended(self, run_id: str) -> RunStatus:
        """Wait for the end of a run, where it is kept: to ask the web server 20 times a second takes a third of a core."""
        with connect(self._stack.state.dagster_database_url).connect() as connection:
            for _ in polling(3_600, 0.05):
                status = RunStatus(connection.scalar(_STATUS, {"run_id": run_id}))
                connection.commit()
                if status.ended:
                    return status
        raise SystemExit(f"run {run_id} has not ended for an hour")

    def private_mb(self) -> float:
        """Return what the worker and its children hold for themselves, in MB."""
        return private_mb(self.home, "celery")


@contextmanager
def bed(records: int, days: int, history: int = 0) -> Iterator[Bed]:
    """A stack over so many records, of so many days; *history* of them may be analysed."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as home:
        settings = stack_settings(home, tick_cron=_NEVER)
        settings = settings.model_copy(update={"first_partition": settings.first_partition - timedelta(days=history)})
        with Stack(settings, simulator=SimulatorOptions(records_count=records, days=days, live=0)) as stack:
            filled = Bed(stack)
            filled.fill(records)
            yield filled


def main(records: int = 400_000, rounds: int = 7) -> None:
    """Measure and print."""
    ticks: list[Tick] = []
    ratios: list[float] = []
    with bed(records, days=90) as small, bed(10 * records, days=900) as large:
        for number in range(rounds + 1):
            for each in (small, large):
                each.add_records()
            here, there = small.tick(), large.tick()
            print(f"round {number}: {here}, and at ten times {there}", flush=True)
            if number:
                ticks.append(here)
                ratios.append(there.processor_seconds / here.processor_seconds)
        held = small.private_mb()
    result(
        bench="tick",
        records=records,
        processor_seconds=median([each.processor_seconds for each in ticks]),
        wall_seconds=median([each.wall_seconds for each in ticks]),
        events=int(median([each.events for each in ticks])),
        event_bytes=int(median([each.event_bytes for each in ticks])),
        private_mb=round(held),
        ratio=median(ratios),
    )


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--records", type=int, default=400_000)
    arguments.add_argument("--rounds", type=int, default=7)
    main(**vars(arguments.parse_args()))
