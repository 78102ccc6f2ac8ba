"""What the benchmarks share: real servers in a temporary home, the simulator as a process, medians, and the result line."""

from __future__ import annotations

import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, datetime
from multiprocessing import get_context
from pathlib import Path
from zoneinfo import ZoneInfo

import psycopg
import sqlalchemy as sa

from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials
from telemetry_pipeline.sources.panaccess.feed import Feed
from telemetry_pipeline.sources.panaccess.records import PageDecoder
from telemetry_pipeline.stack.servers.postgres import LocalPostgres
from telemetry_pipeline.stack.servers.reach import at_database
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.migrating import migrate

OPERATOR_TIMEZONE = "America/Mexico_City"


@contextmanager
def database() -> Iterator[str]:
    """The URL of an empty migrated database on a PostgreSQL of its own."""
    with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as home:
        server = LocalPostgres(Path(home))
        server.start()
        try:
            with psycopg.connect(server.url, autocommit=True) as connection:
                connection.execute("create database bench")
            url = at_database(server.url, "bench")
            migrate(connect(url))
            yield url
        finally:
            server.stop()


def stack_settings(home: str, **changes: object) -> StackSettings:
    """A whole stack's: nothing of its own is given, and it begins today, so no sensor analyses past days meanwhile."""
    servers = dict.fromkeys(("database_url", "dagster_database_url", "redis_url", "panaccess_url"))
    today = datetime.now(StackSettings().operator_zone).date()
    return StackSettings.load(**servers, telemetry_home=Path(home), first_partition=today, **changes)


@contextmanager
def simulator(records: int, days: int) -> Iterator[str]:
    """The URL of a simulator in a process of its own, answering as fast as it can."""
    command = [sys.executable, "-m", "telemetry_pipeline", "simulator", "--port", "0"]
    options = ["--records-count", str(records), "--days", str(days), "--late-ids", "0"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            ready = re.search(r"http://\S+", process.stdout.readline())
            if ready is None:
                raise SystemExit("the simulator did not start")
            yield f"{ready.group()}/"
        finally:
            process.terminate()


@contextmanager
def synchroniser() -> Iterator[Callable[[str, str], tuple[int, float, float]]]:
    """Drains the live edge in a process of its own that lives on, as a worker's does.

    What it yields takes the URLs of a database and of a simulator, and returns the records stored, the seconds that took, and
    the peak of the process's resident memory in MB.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        yield lambda database_url, simulator_url: pool.submit(synchronise, database_url, simulator_url).result()


def synchronise(database_url: str, simulator_url: str) -> tuple[int, float, float]:
    """Drain the live edge in this process; see :func:`synchroniser`."""
    known = Options()
    source_zone, operator_zone = ZoneInfo("UTC"), ZoneInfo(OPERATOR_TIMEZONE)
    client = PanAccessClient(simulator_url, Credentials(known.username, known.password, known.api_token, known.salt))
    client.check()
    sync = Sync(
        connect(database_url),
        Feed(client, PageDecoder(source_zone, operator_zone), source_zone),
        operator_zone,
        deadline=float("inf"),
    )
    today = date.today()
    begin = time.perf_counter()
    sync.run(today, today, includes_today=True)
    seconds = time.perf_counter() - begin
    return sync.outcome.stored, seconds, peak_memory_mb()


def peak_memory_mb() -> float:
    """The peak of this process's resident memory in MB."""
    # getrusage would give the peak of the process that this one was forked from.
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s+(\d+) kB", status)[1]) / 1024  # type: ignore[index]


def truncate(engine: sa.Engine, *tables: str) -> None:
    """Empty tables of the schema ``telemetry``, and start the sync over."""
    with engine.begin() as connection:
        for table in tables:
            connection.execute(sa.text(f"truncate telemetry.{table}"))
        connection.execute(sa.text("update telemetry.sync_state set cursor = 0"))


def median(values: Sequence[float]) -> float:
    """The median, to four significant digits."""
    return float(f"{statistics.median(values):.4g}")


def result(**figures: float | int | str) -> None:
    """Print the result line."""
    print("RESULT", json.dumps(figures), flush=True)
