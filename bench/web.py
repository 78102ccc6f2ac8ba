"""The front door: answers about any days of 2,000,000 views, to 20 who ask at once.

Times are 95th percentiles of what a program sees, with token, HTTP and JSON: ``stored_ms`` of an answer that a tick has stored,
``first_byte_ms`` of a page until it begins, each of 20 at once; ``uncached_ms`` of an answer that nobody asked for before,
while 19 ask for stored ones; ``unknown_ms`` the same when all 20 ask what nobody did before, which have the processors and each
other to wait for. ``errors`` counts answers other than 200. ``door_mb`` is the memory of the door once its pool has had nothing
to do for a while, ``busy_mb`` that of the door and of all its processes when everything has just been answered; what processes
share counts once.
"""

from __future__ import annotations

import argparse
import itertools
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta
from http.client import HTTPConnection  # noqa: TID251 - hardly any work of its own
from multiprocessing import get_context
from urllib.parse import urlsplit

import psutil
import requests

from bench.analyses import LAST, fill
from bench.harness import OPERATOR_TIMEZONE, database, result
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.polling import polling
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.views.windows import Store, rules_of
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.stack.processes.ports import LOOPBACK, free_port
from telemetry_pipeline.warehouse.access import tokens
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.web.serving import serve

_AT_ONCE = 20
_MB = 1 << 20
_DAYS = f"desde={LAST - timedelta(days=6)}&hasta={LAST}"
_PAGES = [
    "/",
    f"/canales?{_DAYS}",
    f"/canal?canal=Canal%2030&{_DAYS}",
    f"/periodos?{_DAYS}",
    "/informes",
    "/tareas",
    "/estado",
    "/glosario",
]


@dataclass(frozen=True)
class Taken:
    """Milliseconds of an answer: until it begins, and until it is there."""

    first_byte: float
    whole: float


def main(views: int = 2_000_000, requests_each: int = 100) -> None:
    """Measure and print."""
    with database() as url:
        fill(url, views)
        port = free_port()
        asker = _Asker(f"http://{LOOPBACK}:{port}", _token(url))
        settings = DoorSettings.load(
            database_url=url,
            web_secret="s" * 40,
            web_url=asker.address,
            operator_timezone=OPERATOR_TIMEZONE,
            first_partition=LAST.replace(month=1, day=1),
        )
        door = get_context("spawn").Process(target=serve, args=(settings,), kwargs={"host": LOOPBACK, "port": int(port)})
        door.start()
        try:
            asker.wait()
            asker.ask(list(itertools.islice(_limits(5_000), _AT_ONCE)))  # who starts processes waits for them
            stored = _store(settings)
            asker.ask(stored)
            kept = list(itertools.islice(itertools.cycle(stored), _AT_ONCE - 1))
            never_asked = _never_asked(LAST - timedelta(days=1))
            uncached = [asker.ask([path, *kept])[0].whole for path in itertools.islice(never_asked, requests_each // 2)]
            unknown = asker.ask(list(itertools.islice(_never_asked(LAST), requests_each)))
            found = asker.ask(list(itertools.islice(itertools.cycle(stored), requests_each)))
            pages = asker.ask(list(itertools.islice(itertools.cycle(_PAGES), requests_each)))
            whole, alone = _memory_mb(door.pid)
        finally:
            door.terminate()
            door.join()
    result(
        bench="web",
        views=views,
        first_byte_ms=_percentile([each.first_byte for each in pages]),
        uncached_ms=_percentile(uncached),
        stored_ms=_percentile([each.whole for each in found]),
        unknown_ms=_percentile([each.whole for each in unknown]),
        errors=asker.errors,
        door_mb=alone,
        busy_mb=whole,
    )


class _Asker:
    """Twenty programs that ask at once.

    :ivar address: of the door. :ivar errors: answers that were none.
    """

    def __init__(self, address: str, token: str) -> None:
        self.address = address
        self.errors = 0
        self._headers = {"Authorization": f"Bearer {token}"}
        self._own = threading.local()

    def wait(self) -> None:
        """Until the door is open."""
        for _ in polling(60, 0.2):
            with suppress(requests.ConnectionError):
                if requests.get(f"{self.address}/api/analyses", headers=self._headers, timeout=5).ok:
                    return
        raise SystemExit("the door did not open")

    def ask(self, paths: Sequence[str]) -> list[Taken]:
        """How long each answer takes, in the order of the paths."""
        # Anew each time: the door ends connections that were silent for a few seconds.
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            return list(pool.map(self._ask, paths))

    def _ask(self, path: str) -> Taken:
        """With a connection that stays, and hardly any work of its own: 20 of them share the processors with the door."""
        if not hasattr(self._own, "connection"):
            self._own.connection = HTTPConnection(urlsplit(self.address).netloc, timeout=120)
        connection: HTTPConnection = self._own.connection
        begin = time.perf_counter()
        connection.request("GET", path, headers=self._headers)
        answer = connection.getresponse()
        first_byte = time.perf_counter() - begin
        body = answer.read()
        whole = time.perf_counter() - begin
        if answer.status != 200:
            self.errors += 1
            print(answer.status, path, body[:300])
        return Taken(1000 * first_byte, 1000 * whole)


def _token(url: str) -> str:
    with connect(url).begin() as connection:
        return tokens.add(connection, Actor("bench", "command"), "bench", Role.OPERATOR, personal=True)


def _never_asked(last: date) -> Iterator[str]:
    """Questions about the same 30 days: every analysis that takes no more, then one whose parameter is another each time."""
    days = f"from={last - timedelta(days=29)}&to={last}"
    yield from (f"/api/analyses/{each.name}?{days}" for each in all_analyses().values() if each.runs_unattended)
    yield from _limits(1, last)


def _limits(first: int, last: date = LAST) -> Iterator[str]:
    days = f"from={last - timedelta(days=29)}&to={last}"
    yield from (f"/api/analyses/top_channels?{days}&limit={limit}" for limit in itertools.count(first))


def _store(settings: DoorSettings) -> list[str]:
    """Store what a tick does, of general analyses, and give where it is asked for."""
    engine, store = connect(settings.database_url), Store(rules_of(settings))
    paths = []
    for analysis in all_analyses().values():
        if analysis.theme == "general":
            values = analysis.parse({})
            computing.update(engine, store, analysis, analysis.windows(Period(LAST, LAST), values), values)
            paths.append(f"/api/analyses/{analysis.name}?to={LAST}")
    return paths


def _memory_mb(pid: int | None) -> tuple[float, float]:
    door = psutil.Process(pid)
    memory = [each.memory_full_info().pss / _MB for each in (door, *door.children(recursive=True))]
    return round(sum(memory), 1), round(memory[0], 1)


def _percentile(milliseconds: Sequence[float]) -> float:
    return round(sorted(milliseconds)[int(0.95 * (len(milliseconds) - 1))], 1)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--views", type=int, default=2_000_000)
    arguments.add_argument("--requests", dest="requests_each", type=int, default=100)
    main(**vars(arguments.parse_args()))
