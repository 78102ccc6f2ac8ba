"""How the pipeline is doing, and how one run went: what there is to know, gathered. How it is shown is in ``status``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from telemetry_pipeline import broker
from telemetry_pipeline.cli import target
from telemetry_pipeline.client import TelemetryClient
from telemetry_pipeline.client.documents import LOCATION, REPOSITORY
from telemetry_pipeline.client.graphql import Endpoint, unwrap
from telemetry_pipeline.errors import RequestRefused, TelemetryError
from telemetry_pipeline.warehouse.db.connections import looking
from telemetry_pipeline.warehouse.db.errors import READ_ONLY
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.status import read_status

if TYPE_CHECKING:
    from telemetry_pipeline.broker import WorkerInfo
    from telemetry_pipeline.client.answers import Run
    from telemetry_pipeline.client.graphql import Json
    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.sources.panaccess.feed import Feed
    from telemetry_pipeline.stack.state import StackState
    from telemetry_pipeline.warehouse.operations.problems import ChannelState, Incident
    from telemetry_pipeline.warehouse.operations.status import WarehouseStatus

TICK = "telemetry_tick"
_LAST_RUNS = 10
# A prefix is looked for among this many of the newest runs: two weeks of ticks.
_SEARCHED_RUNS = 10_000
_ID_LENGTH = 36
_WEB_TIMEOUT_SECONDS = 20.0
_UPSTREAM_SECONDS = 5.0

_TICKS = """
query Ticks($schedule: ScheduleSelector!, $limit: Int!) {
  scheduleOrError(scheduleSelector: $schedule) {
    __typename
    ... on Schedule { scheduleState { status ticks(limit: $limit) { status runs { status } } } }
    ... on ScheduleNotFoundError { message }
    ... on PythonError { message className causes { message className } }
  }
}"""

T = TypeVar("T")


@dataclass(frozen=True)
class Upstream:
    """How far PanAccess is; one that does not answer is not for us to mend.

    :ivar newest_id: None if it did not answer, and *error* says why.
    :ivar newest_before: of those before the jump, where there is one.
    """

    newest_id: int | None = None
    newest_before: int | None = None
    error: str | None = None


@dataclass(frozen=True)
class Ticks:
    """How the schedule does.

    :ivar switched_on: whether it starts ticks.
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
    :ivar home: where a stack was looked for.
    :ivar elsewhere: whether the settings name servers, and no stack runs here.
    :ivar incidents: open problems. :ivar channels: ways of telling people.
    :ivar lost: how many messages were taken by workers that are dead, and wait to be given out again.
    :ivar failures: name of a server to why it did not answer.
    """

    at: datetime
    home: Path
    stack: StackState | None
    elsewhere: bool
    web_url: str | None
    warehouse: WarehouseStatus | None = None
    incidents: list[Incident] | None = None
    channels: list[ChannelState] | None = None
    upstream: Upstream | None = None
    ticks: Ticks | None = None
    runs: list[Run] | None = None
    queues: Queues | None = None
    workers: list[WorkerInfo] | None = None
    lost: int | None = None
    failures: dict[str, str] = field(default_factory=dict)

    @property
    def refuses_upstream(self) -> bool:
        """Whether not all that PanAccess has is stored, for its ids or records do not go on from those that are."""
        return any(each.key.startswith(problems.UPSTREAM) for each in self.incidents or [])

    @property
    def ids_behind(self) -> int | None:
        """How many record ids the cursor is behind the upstream, up to a jump; None if nobody says it, or nothing is read."""
        if self.warehouse is None or not self.warehouse.cursor or self.upstream is None or self.upstream.newest_id is None:
            return None  # ids do not begin at 1
        newest = self.upstream.newest_id if self.upstream.newest_before is None else self.upstream.newest_before
        return max(0, newest - self.warehouse.cursor)

    def seconds_since(self, at: datetime) -> float:
        """How long ago something was; below zero is what was noted before a clock was set back."""
        return (self.at - at).total_seconds()

    def ask(self, server: str, question: Callable[[], T]) -> T | None:
        """The answer; without one, note it and go on."""
        try:
            return question()
        except TelemetryError as err:
            self.failures[server] = str(err)
            return None


def gather(settings: StackSettings) -> Overview:
    """Ask every server that is known."""
    stack = target.find_stack(settings)
    known = target.complete(settings, stack)
    elsewhere = stack is None and bool(settings.database_url and settings.redis_url)
    web_url = stack.webserver_url if stack else settings.web_url
    seen = Overview(datetime.now(UTC), settings.home, stack, elsewhere, web_url)
    if known.database_url is not None:
        engine = looking(known.database_url)
        seen.warehouse = seen.ask("PostgreSQL", lambda: read_status(engine))
        if seen.warehouse is not None and seen.warehouse.read_only:
            seen.failures["PostgreSQL"] = READ_ONLY
        if seen.warehouse is not None:
            seen.incidents = seen.ask("PostgreSQL", lambda: problems.open_problems(engine))
            seen.channels = seen.ask("PostgreSQL", lambda: problems.channels(engine))
    if known.panaccess_url is not None:
        seen.upstream = look_upstream(known, seen.warehouse.jump_id if seen.warehouse else None)
    if target.webserver_url(settings) is not None:
        client = TelemetryClient(target.graphql_url(settings), _WEB_TIMEOUT_SECONDS)
        seen.runs = seen.ask("web server", lambda: client.runs(limit=_LAST_RUNS))
        if seen.runs is not None:
            seen.ticks = seen.ask("ticks", lambda: _look_at_ticks(target.graphql_url(settings), client))
    if known.redis_url is not None:
        url = known.redis_url.get_secret_value()
        seen.queues = seen.ask(
            "broker", lambda: Queues(broker.waiting(url), broker.foreign_waiting(url), broker.unacknowledged(url))
        )
        if seen.queues is not None:
            seen.workers = seen.ask("workers", lambda: broker.workers(url))
        if seen.queues is not None and seen.workers is not None:
            held = {task_id for worker in seen.workers for task_id in worker.task_ids}
            before = {tag for tag, task_id in seen.queues.taken.items() if task_id not in held}
            # What was taken before the workers were asked, and still is, no worker has.
            seen.lost = seen.ask("broker", lambda: len(before & broker.unacknowledged(url).keys()))
    seen.at = datetime.now(UTC)
    return seen


@dataclass(frozen=True)
class RunReport:
    """A run with its steps.

    :ivar failures: the step, or None for the run itself, and why it failed.
    """

    run: Run
    failures: list[tuple[str | None, str]]


def examine_run(client: TelemetryClient, wanted: str) -> RunReport:
    """How the run went whose id is, or begins with, *wanted*.

    :raises RequestRefused: none has, or several have.
    """
    run = find_run(client, wanted)
    return RunReport(run, client.progress(run.run_id).failures if run.status == "FAILURE" else [])


def find_run(client: TelemetryClient, wanted: str) -> Run:
    """The run whose id is, or begins with, *wanted*.

    :raises RequestRefused: none has, or several have.
    """
    if len(wanted) >= _ID_LENGTH:
        return client.run(wanted)
    found = [run.run_id for run in client.runs(limit=_SEARCHED_RUNS) if run.run_id.startswith(wanted.lower())]
    if len(found) > 1:
        raise RequestRefused(f"{len(found)} runs begin with {wanted!r}; give more of the id")
    if not found:
        raise RequestRefused(f"there is no run {wanted!r}; 'telemetry-pipeline status' lists the last ones")
    return client.run(found[0])


def look_upstream(settings: StackSettings, jump_id: int | None) -> Upstream:
    """How far PanAccess is.

    :param jump_id: the id behind a hole in its ids, if there is one.
    """
    import redis

    try:
        feed = _feed(settings)
        newest = feed.newest_id(tries=1)
        before = feed.newest_id(up_to=jump_id - 1, tries=1) if jump_id is not None and newest >= jump_id else None
        return Upstream(newest, before)
    except redis.RedisError:
        return Upstream(error="not asked: its session is kept by the broker, which does not answer")
    except TelemetryError as err:
        return Upstream(error=str(err))


def _feed(settings: StackSettings) -> Feed:
    from telemetry_pipeline.settings.loading import Settings
    from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
    from telemetry_pipeline.sources.panaccess.feed import Feed
    from telemetry_pipeline.sources.panaccess.records import PageDecoder

    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    # These are not needed for that.
    values["database_url"] = values["database_url"] or "postgresql://unused"
    values["dagster_database_url"] = values["dagster_database_url"] or "postgresql://unused"
    full = Settings.load(**{name: value for name, value in values.items() if value is not None})
    client = PanAccessClient.from_settings(full, shared=True, at_most_seconds=_UPSTREAM_SECONDS)
    return Feed(client, PageDecoder(full.panaccess_zone, full.operator_zone), full.panaccess_zone)


def _look_at_ticks(url: str, client: TelemetryClient) -> Ticks:
    schedule = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "scheduleName": f"{TICK}_schedule"}
    answer = Endpoint(url, _WEB_TIMEOUT_SECONDS).ask(_TICKS, schedule=schedule, limit=_LAST_RUNS)
    state = unwrap(answer["scheduleOrError"])["scheduleState"]
    succeeded = client.runs(job=TICK, statuses=["SUCCESS"], limit=1)
    counts = Counter(_outcome(tick) for tick in state["ticks"])
    return Ticks(state["status"] == "RUNNING", succeeded[0].ended_at if succeeded else None, dict(counts.most_common()))


def _outcome(tick: Json) -> str:
    """What came of a tick of the schedule; of one that launched a run, of that."""
    if tick["status"] in ("SKIPPED", "FAILURE"):
        return "skipped" if tick["status"] == "SKIPPED" else "failed"
    statuses = {run["status"] for run in tick["runs"]}
    return "succeeded" if statuses == {"SUCCESS"} else "failed" if statuses & {"FAILURE", "CANCELED"} else "under way"
