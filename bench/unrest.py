"""What is not quiet yet in a stack that was struck: each complaint names the process, run, problem or day that it is about."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import kombu.exceptions
import psutil
import redis
import requests
import sqlalchemy as sa

from telemetry_pipeline import broker
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.results.freshness.staleness import stale_days
from telemetry_pipeline.stack.processes.orphans import members
from telemetry_pipeline.stack.state import StackState, read_state
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import dead_letters, problems

SERVICES = ("simulator", "postgres", "valkey", "worker", "code-server", "webserver", "web", "daemon", "watch", "flower")
UNREACHABLE = (
    *(TelemetryError, sa.exc.SQLAlchemyError, redis.RedisError, kombu.exceptions.KombuError),
    *(requests.RequestException, OSError, psutil.Error),
)

# What devices report: some of their clocks are ahead, whatever is struck.
_OF_DATA = ("check:ott_views:few_views_are_of_the_future", "check:telemetry_records:few_records_are_of_the_future")

# As long a result of a past day rests before it is computed anew.
_REST = timedelta(hours=1)
_RUNS = sa.text("""
    select run_id, pipeline_name as job, status, extract(epoch from now() at time zone 'utc' - create_timestamp)::int as age,
           (select dagster_event_type || ' ' || coalesce(step_key, '') from event_logs where event_logs.run_id = runs.run_id
            order by id desc limit 1) as last_event
    from runs where status not in ('SUCCESS', 'FAILURE', 'CANCELED') order by create_timestamp
""")
_TICKS = sa.text("""
    select count(*) from runs where pipeline_name = 'telemetry_tick' and status = 'SUCCESS' and start_time > :since
""")
_UNTOLD = sa.text("""
    select key from telemetry.problems group by key
    having bool_and(resolved_at is not null) and not (bool_or(told_at is not null) and bool_or(resolution_told_at is not null))
    order by key
""")


Unrest = dict[str, list[str]]
"""Kind (service, run, problem, ...) to what is said of each that is not as it should be."""


@dataclass(frozen=True)
class Onlooker:
    """Looks at a stack from outside.

    :ivar rules: by which its views count.
    """

    home: Path
    rules: Rules

    @property
    def state(self) -> StackState:
        """Where everything is now."""
        state = read_state(self.home)
        if state is None:
            raise TelemetryError(f"there is no stack in {self.home} any more")
        return state

    def look(self, since: float) -> Unrest:
        """All that is not quiet, of what happened up to a moment and is to have happened since."""
        looks: dict[str, Callable[[], Iterator[str]]] = {
            "service": self._services,
            "code": self._code,
            "queue": self._messages,
            "tick": lambda: self._tick(since),
            "run": lambda: iter(self.in_flight(before=since)),
            "problem": self._problems,
            "dead letter": self._letters,
            "stale": self.stale,
        }
        found: Unrest = {}
        for kind, look in looks.items():
            try:
                complaints = list(look())
            except UNREACHABLE as err:
                complaints = [f"cannot be asked: {' '.join(str(err).split())[:300]}"]
            if complaints:
                found[kind] = complaints
        return found

    def await_quiet(self, since: float, deadline: float, say: Callable[[str], None]) -> Unrest:
        """Look until it is quiet, and return what is not at the deadline; of what kinds it is, is said on the way."""
        kinds: set[str] = set()
        while (unrest := self.look(since)) and time.time() < deadline:
            if unrest.keys() != kinds:
                kinds = set(unrest)
                say(f"not quiet yet: {', '.join(sorted(kinds))}")
            time.sleep(2.0)
        return unrest

    def in_flight(self, before: float = float("inf")) -> list[str]:
        """The runs that have not ended, of those that were created before a moment."""
        with connect(self.state.dagster_database_url).connect() as dagster:
            return [
                f"{run.job} {run.run_id} is {run.status} for {run.age} s, last event {run.last_event}"
                for run in dagster.execute(_RUNS)
                if time.time() - run.age < before
            ]

    def ticks(self, since: float) -> int:
        """How many ticks began since a moment and succeeded."""
        with connect(self.state.dagster_database_url).connect() as dagster:
            return int(dagster.scalar(_TICKS, {"since": since}) or 0)

    def stale(self) -> Iterator[str]:
        """Days whose stored results are of other views than there are, where that is not to be so for a while."""
        state, now = self.state, datetime.now(UTC)
        today = now.astimezone(self.rules.zone).date()
        first = state.first_partition or date.min
        for day, analyses in stale_days(connect(state.database_url), first, today, self.rules).items():
            due = [name for name, at in analyses.items() if day == today or at is None or now - at > _REST]
            if due:
                yield f"{day}: {', '.join(due)}"

    def _services(self) -> Iterator[str]:
        state = self.state
        supervisor = psutil.Process(state.pid)
        ours = {child.pid for child in supervisor.children(recursive=True)}
        yield from (f"{name} does not run" for name in SERVICES if state.processes.get(name) not in ours)
        for process in members(self.home):
            if process.pid not in ours:
                yield f"a process is left over: {process.pid} {' '.join(process.cmdline())[:100]}"
        for name, url in {"simulator": f"{state.panaccess_url}health", "flower": f"{state.flower_url}/healthcheck"}.items():
            if not requests.get(url, headers={"Authorization": f"Bearer {state.web_token}"}, timeout=5).ok:
                yield f"{name} does not answer"

    def _code(self) -> Iterator[str]:
        health = self.state.client(10).health()
        if health.code_problem:
            yield health.code_problem
        yield from (f"the daemon's part {part} is silent" for part in health.silent_daemons)

    def _messages(self) -> Iterator[str]:
        url = self.state.redis_url
        workers = broker.workers(url)
        yield from (f"nobody serves {queue}" for queue in broker.QUEUES if not any(queue in each.queues for each in workers))
        if not self.in_flight():
            yield from (f"{number} messages wait in {queue}" for queue, number in broker.waiting(url).items() if number)
            # What a dead worker had taken comes back after the visibility timeout, and does nothing: its run has ended.
            yield from (f"{each.node} has step {step.step} of run {step.run_id}" for each in workers for step in each.steps)

    def _tick(self, since: float) -> Iterator[str]:
        if not self.ticks(since):
            yield "none has succeeded that began after the last strike"

    def _problems(self) -> Iterator[str]:
        engine = connect(self.state.database_url)
        for problem in problems.open_problems(engine):
            if problem.key.startswith(_OF_DATA):
                continue
            yield f"{problem.key}: {problem.summary}: {problem.detail[:200]}"
        with engine.connect() as connection:
            yield from (f"nobody was told of {key}, or not that it is over" for key in connection.scalars(_UNTOLD))

    def _letters(self) -> Iterator[str]:
        by_run: dict[str, list[dead_letters.OpenLetter]] = defaultdict(list)
        for letter in dead_letters.open_letters(connect(self.state.database_url)):
            by_run[letter.run_id].append(letter)
        for run_id, [first, *others] in by_run.items():
            more = f" and {len(others)} more" if others else ""
            yield f"{first.job} {run_id} {first.partition}, step {first.step}{more}: {first.error[:200]}"
