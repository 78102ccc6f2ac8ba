"""The pipeline at a glance: every server that is known is asked, and one that does not answer ends nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TypeVar

from telemetry_pipeline import broker
from telemetry_pipeline.broker import WorkerInfo
from telemetry_pipeline.client.answers import Run, RunStatus
from telemetry_pipeline.client.checks import Check
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import TelemetryError, WarehouseUnavailable
from telemetry_pipeline.job_names import TICK, TICK_SCHEDULE
from telemetry_pipeline.monitoring.disks import Disk, disks, places
from telemetry_pipeline.monitoring.facts.throughput import Throughput, look_at_throughput
from telemetry_pipeline.monitoring.facts.upstream import Upstream, look_upstream
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import looking
from telemetry_pipeline.warehouse.db.errors import READ_ONLY
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.partitions import Partitioned, read_partitions
from telemetry_pipeline.warehouse.operations.problems import ChannelState, Incident
from telemetry_pipeline.warehouse.operations.status import WarehouseStatus, read_status

_LAST_RUNS = 10
WEB_TIMEOUT_SECONDS = 20.0

T = TypeVar("T")


@dataclass(frozen=True)
class Ticks:
    """How ticks do.

    :ivar switched_on: whether their schedule starts any.
    :ivar succeeded_at: when one last succeeded.
    :ivar outcomes: what came of the last ones, the most frequent first.
    """

    switched_on: bool
    succeeded_at: datetime | None
    outcomes: Mapping[str, int]


@dataclass(frozen=True)
class Queues:
    """What is in the queues.

    :ivar waiting: how many messages wait in each.
    :ivar foreign: how many of these are no steps; a worker throws them away.
    :ivar taken: the messages that workers have taken and not finished: by their tag, the id of the task.
    """

    waiting: Mapping[str, int]
    foreign: int
    taken: Mapping[str, str | None]


@dataclass
class Overview:
    """All of it; None is what was not asked or did not answer.

    :ivar at: when it was gathered.
    :ivar incidents: open problems. :ivar channels: ways of telling people.
    :ivar lost: how many messages were taken by workers that are dead, and wait to be given out again.
    :ivar disks: those that this process writes to.
    :ivar failures: name of a server to why it did not answer.
    """

    at: datetime
    warehouse: WarehouseStatus | None = None
    incidents: list[Incident] | None = None
    channels: list[ChannelState] | None = None
    upstream: Upstream | TelemetryError | None = None
    ticks: Ticks | None = None
    runs: list[Run] | None = None
    queues: Queues | None = None
    workers: list[WorkerInfo] | None = None
    lost: int | None = None
    throughput: Throughput | None = None
    checks: list[Check] | None = None
    partitions: list[Partitioned] | None = None
    disks: list[Disk] | None = None
    failures: dict[str, TelemetryError] = field(default_factory=dict)

    @property
    def refuses_upstream(self) -> bool:
        """Whether not all that PanAccess has is stored, for its ids or records do not go on from those that are."""
        return any(each.key.startswith(problems.UPSTREAM) for each in self.incidents or [])

    @property
    def ids_behind(self) -> int | None:
        """How many record ids the cursor is behind the upstream, up to a jump; None if nobody says it, or nothing is read."""
        if self.warehouse is None or not self.warehouse.cursor or not isinstance(self.upstream, Upstream):
            return None  # ids do not begin at 1
        newest = self.upstream.newest_id if self.upstream.newest_before is None else self.upstream.newest_before
        return max(0, newest - self.warehouse.cursor)

    def seconds_since(self, at: datetime) -> float:
        """Return how long ago something was; below zero is what was noted before a clock was set back."""
        return (self.at - at).total_seconds()

    def ask(self, server: str, question: Callable[[], T]) -> T | None:
        """Return the answer; without one, note it and go on."""
        try:
            return question()
        except TelemetryError as err:
            self.failures[server] = err
            return None


def gather(known: StackSettings, client: TelemetryClient | None) -> Overview:
    """Ask every server that is known.

    :param known: with the addresses of the servers that there are.
    :param client: for the web server; None: there is none.
    """
    seen = Overview(datetime.now(UTC))
    look_at_warehouse(seen, known)
    if known.panaccess_url is not None:
        seen.upstream = look_upstream(known, seen.warehouse.jump_id if seen.warehouse else None)
    if client is not None:
        look_at_runs(seen, client)
        if seen.runs is not None:
            look_at_pace(seen, client)
            look_at_checks(seen, client)
    look_at_queues(seen, known)
    if known.database_url is not None:
        seen.disks = disks(places(known))
    seen.at = datetime.now(UTC)
    return seen


def look_at_warehouse(seen: Overview, known: StackSettings) -> None:
    """Read what is stored, and what was put on record there."""
    if known.database_url is None:
        return
    engine = looking(known.database_url)
    seen.warehouse = seen.ask("PostgreSQL", lambda: read_status(engine))
    if seen.warehouse is not None and seen.warehouse.read_only:
        seen.failures["PostgreSQL"] = WarehouseUnavailable(*READ_ONLY)
    if seen.warehouse is not None:
        seen.incidents = seen.ask("PostgreSQL", lambda: problems.open_problems(engine))
        seen.channels = seen.ask("PostgreSQL", lambda: problems.channels(engine))
        seen.partitions = seen.ask("PostgreSQL", lambda: read_partitions(engine))


def look_at_runs(seen: Overview, client: TelemetryClient) -> None:
    """Read the last runs, and how ticks do."""
    seen.runs = seen.ask("web server", lambda: client.runs(limit=_LAST_RUNS))
    if seen.runs is not None:
        seen.ticks = seen.ask("ticks", lambda: _look_at_ticks(client))


def look_at_pace(seen: Overview, client: TelemetryClient) -> None:
    """Read how much was done lately."""
    seen.throughput = seen.ask("throughput", lambda: look_at_throughput(client, seen.at))


def look_at_checks(seen: Overview, client: TelemetryClient) -> None:
    """Read what the checks of assets said last."""
    seen.checks = seen.ask("checks", client.checks)


def _look_at_ticks(client: TelemetryClient) -> Ticks:
    schedule = client.schedule(TICK_SCHEDULE, ticks=_LAST_RUNS)
    succeeded = client.runs(job=TICK, statuses=[RunStatus.SUCCESS], limit=1)
    return Ticks(schedule.switched_on, succeeded[0].ended_at if succeeded else None, schedule.outcomes)


def look_at_queues(seen: Overview, known: StackSettings) -> None:
    """Read what waits, and who is at work."""
    if known.redis_url is None:
        return
    url = known.redis_url.get_secret_value()
    seen.queues = seen.ask(
        "broker", lambda: Queues(broker.waiting(url), broker.foreign_waiting(url), broker.unacknowledged(url))
    )
    if seen.queues is None:
        return
    seen.workers = seen.ask("workers", lambda: broker.workers(url))
    if seen.workers is not None:
        held = {task_id for worker in seen.workers for task_id in worker.task_ids}
        before = {tag for tag, task_id in seen.queues.taken.items() if task_id not in held}
        # What was taken before the workers were asked, and still is, no worker has.
        seen.lost = seen.ask("broker", lambda: len(before & broker.unacknowledged(url).keys()))
