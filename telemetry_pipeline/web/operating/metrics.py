"""Metrics for Prometheus: the same facts as *Estado* has, and the requests of the door itself."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Match, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from telemetry_pipeline.monitoring.facts.overview import Overview
from telemetry_pipeline.web.access.public import METRICS_PATH
from telemetry_pipeline.web.operating.board import OLD_SECONDS, Board, Part
from telemetry_pipeline.web.operating.controls import PATIENCE_SECONDS

_BUCKETS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER = "other"


@dataclass(frozen=True)
class Tally:
    """Requests that the front door answered.

    :ivar failed: those with a status of 500 or more. :ivar mean_seconds: to the end of an answer; None: there was none.
    """

    answered: int
    failed: int
    mean_seconds: float | None


class Requests:
    """What the door counts of its own requests: by method, by the template of their address, by status."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ["method", "route", "status"]
        self._count = Counter(
            "telemetry_door_requests", "Requests that the front door answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "telemetry_door_request_seconds",
            "Seconds to the end of an answer of the front door.",
            ["route"],
            buckets=_BUCKETS,
            registry=self.registry,
        )

    def note(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one."""
        self._count.labels(method if method in _METHODS else _OTHER, route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def tally(self) -> Tally:
        """Return what has been answered since the door opened."""
        counts = [sample for sample in _samples(self._count) if sample.name.endswith("_total")]
        failed = sum(sample.value for sample in counts if sample.labels["status"].startswith("5"))
        seconds = sum(sample.value for sample in _samples(self._seconds) if sample.name.endswith("_sum"))
        total = sum(sample.value for sample in counts)
        return Tally(round(total), round(failed), seconds / total if total else None)


def _samples(collector: Collector) -> Iterator[Sample]:
    return (sample for metric in collector.collect() for sample in metric.samples)


class Counting:
    """ASGI middleware that counts requests, those that are refused early, too.

    :param routes: of the application.
    """

    def __init__(self, app: ASGIApp, requests: Requests, routes: Iterable[BaseRoute]) -> None:
        self._app = app
        self._requests = requests
        self._routes = list(routes)
        endpoints = [getattr(route, "endpoint", getattr(route, "app", None)) for route in self._routes]
        # One that several routes have tells of none of them.
        self._templates = {
            endpoint: str(getattr(route, "path", _OTHER))
            for endpoint, route in zip(endpoints, self._routes, strict=True)
            if endpoints.count(endpoint) == 1
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand on, and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def noting(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, noting)
        finally:
            self._requests.note(scope["method"], self._template(scope), status, time.monotonic() - began)

    def _template(self, scope: Scope) -> str:
        """Return an address's template, such as ``/tareas/{run_id}``: what strangers ask for makes no series of its own."""
        if (found := self._templates.get(scope.get("endpoint"))) is not None:
            return found
        partly = _OTHER
        for route in self._routes:
            match, _ = route.matches(scope)
            template = str(getattr(route, "path", _OTHER))
            if match is Match.FULL:
                return template
            if match is Match.PARTIAL and partly == _OTHER:
                partly = template
        return partly


class Metrics:
    """The page that Prometheus fetches."""

    def __init__(self, board: Board, requests: Requests) -> None:
        self._board = board
        self._requests = requests

    def routes(self) -> list[BaseRoute]:
        """Return where it is."""
        return [Route(METRICS_PATH, self.show)]

    async def show(self, _: Request) -> Response:
        """Return all of them, as of a few seconds ago at most; what is not known now is left out."""
        parts = await run_in_threadpool(self._board.look, PATIENCE_SECONDS)
        registry = CollectorRegistry()
        registry.register(_Facts(parts))
        text = generate_latest(registry) + generate_latest(self._requests.registry)
        return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"})


class _Facts(Collector):
    def __init__(self, parts: dict[str, Part]) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        known = {name: part.seen for name, part in self._parts.items() if part.seen and part.age_seconds < OLD_SECONDS}
        answers = GaugeMetricFamily("telemetry_part_answers", "Whether a part of the system answers.", labels=["part"])
        for name in self._parts:
            answers.add_metric([name], float(name in known and not known[name].failures))
        yield answers
        if "warehouse" in known:
            yield from _of_warehouse(known["warehouse"])
        if "runs" in known:
            yield from _of_runs(known["runs"])
        if "pace" in known:
            yield from _of_pace(known["pace"])
        if "checks" in known:
            yield from _of_checks(known["checks"])
        if "queues" in known:
            yield from _of_queues(known["queues"])
        if "disks" in known:
            yield from _of_disks(known["disks"])


def _of_warehouse(seen: Overview) -> Iterator[Metric]:
    if seen.incidents is not None:
        yield _gauge("telemetry_problems", "Problems that are open.", len(seen.incidents))
    found = seen.warehouse
    if found is None:
        return
    if found.newest_at is not None:
        yield _gauge("telemetry_newest_record_age_seconds", "Age of the newest record.", seen.seconds_since(found.newest_at))
    if found.synced_at is not None:
        yield _gauge("telemetry_sync_lag_seconds", "Since when no sync has come forward.", seen.seconds_since(found.synced_at))
    yield _gauge("telemetry_cursor_record_id", "The record id up to which was read.", found.cursor)
    yield _gauge("telemetry_records", "Records that are stored; of many, about.", found.records.rows)
    yield _gauge("telemetry_views", "Views that are stored; of many, about.", found.views.rows)
    yield _gauge("telemetry_open_gaps", "Ranges of ids that the upstream could not deliver yet.", found.open_gaps)
    yield _gauge("telemetry_rejected_records", "Records that were put aside.", sum(each.records for each in found.rejected))
    yield _gauge("telemetry_dead_letters", "Steps that failed for good and wait for somebody.", found.dead_letters)


def _of_runs(seen: Overview) -> Iterator[Metric]:
    if seen.ticks is not None:
        ticks = GaugeMetricFamily("telemetry_last_ticks", "What came of the last ticks of the schedule.", labels=["outcome"])
        for outcome, count in seen.ticks.outcomes.items():
            ticks.add_metric([outcome.replace(" ", "_")], count)
        yield ticks
        yield _gauge("telemetry_ticks_on", "Whether the schedule launches ticks.", float(seen.ticks.switched_on))
        if seen.ticks.succeeded_at is not None:
            age = seen.seconds_since(seen.ticks.succeeded_at)
            yield _gauge("telemetry_tick_age_seconds", "Since when no tick has succeeded.", age)


def _of_pace(seen: Overview) -> Iterator[Metric]:
    if seen.throughput is not None:
        done = seen.throughput
        within = f"of the runs launched in the last {done.minutes:.0f} minutes"
        yield _gauge("telemetry_runs_ended", f"How many ended {within}.", done.runs)
        yield _gauge("telemetry_runs_failed", f"How many failed {within}.", done.failed_runs)
        yield _gauge("telemetry_steps_per_minute", f"Steps that ended in a minute, {within}.", done.steps_a_minute)
        yield _gauge("telemetry_steps_failed", f"Steps that failed, {within}.", done.failed_steps)
        if done.mean_run_seconds is not None:
            yield _gauge("telemetry_run_mean_seconds", f"How long one took {within}.", done.mean_run_seconds)
        if done.mean_step_seconds is not None:
            yield _gauge("telemetry_step_mean_seconds", f"How long a step took {within}.", done.mean_step_seconds)


def _of_checks(seen: Overview) -> Iterator[Metric]:
    if seen.checks is not None:
        failing = sum(check.passed is False for check in seen.checks)
        yield _gauge("telemetry_checks_failing", "Checks of assets that did not pass last.", failing)


def _of_queues(seen: Overview) -> Iterator[Metric]:
    if seen.queues is not None:
        depth = GaugeMetricFamily("telemetry_queue_depth", "Messages that wait in a queue.", labels=["queue"])
        for queue, count in seen.queues.waiting.items():
            depth.add_metric([queue], count)
        yield depth
        yield _gauge("telemetry_messages_taken", "Messages that workers have taken and not finished.", len(seen.queues.taken))
    if seen.workers is not None:
        at_work = sum(step.at_work for worker in seen.workers for step in worker.steps)
        yield _gauge("telemetry_workers", "Workers that answer.", len(seen.workers))
        yield _gauge("telemetry_steps_at_work", "Steps that workers execute now.", at_work)


def _of_disks(seen: Overview) -> Iterator[Metric]:
    free = GaugeMetricFamily(
        "telemetry_disk_free_bytes", "Room on the disks that the door's machine writes to.", labels=["path"]
    )
    for disk in seen.disks or []:
        free.add_metric([str(disk.path)], disk.free_bytes)
    yield free


def _gauge(name: str, what: str, value: float) -> Metric:
    return GaugeMetricFamily(name, what, value=value)
