"""The problems as the watch knows them: PostgreSQL's, and while that is away a memory of what is to be written down."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, replace
from datetime import datetime

import sqlalchemy as sa

from telemetry_pipeline.alerting.channels import Delivery
from telemetry_pipeline.alerting.telling import QUIET, Kind, Telling
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse import problems
from telemetry_pipeline.warehouse.problems import Incident, Problem


class Notebook:
    """No method fails because PostgreSQL is away.

    :ivar open_keys: of the problems that are open, as far as is known.
    :param clock: aware time.
    """

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self.open_keys: frozenset[str] = frozenset()
        self._engine = engine
        self._clock = clock
        self._away = False
        self._kept: list[Incident] = []
        self._over: dict[str, datetime] = {}
        self._told_at: dict[str, datetime] = {}
        self._knows_the_past = False

    def refresh(self) -> None:
        """Write down what was kept, and read what is open. To be called before each round."""
        try:
            for key in list(self._over):
                problems.resolve(self._engine, key, self._over[key])
                del self._over[key]
            while self._kept:
                problems.add(self._engine, self._kept[0])
                del self._kept[0]
            if not self._knows_the_past:
                self._told_at = problems.told_at(self._engine, self._clock() - QUIET) | self._told_at
                self._knows_the_past = True
            self.open_keys = frozenset(problem.key for problem in problems.open_problems(self._engine))
            self._away = False
        except WarehouseError:
            self._away = True

    def report(self, problem: Problem) -> None:
        """As :func:`telemetry_pipeline.warehouse.problems.report`."""
        if not self._try(lambda: problems.report(self._engine, problem)):
            self._keep(problem)
        self.open_keys |= {problem.key}

    def resolve(self, key: str) -> None:
        """As :func:`telemetry_pipeline.warehouse.problems.resolve`."""
        if not self._try(lambda: problems.resolve(self._engine, key)):
            now = self._clock()
            kept = [incident for incident in self._kept if incident.key == key and incident.resolved_at is None]
            for incident in kept:
                self._kept[self._kept.index(incident)] = replace(incident, resolved_at=now)
            if not kept:
                self._over.setdefault(key, now)
        self.open_keys -= {key}

    def untold(self) -> list[Incident]:
        """What people may have to be told about; only what began meanwhile while PostgreSQL is away."""
        found: list[Incident] = []
        if not self._try(lambda: found.extend(problems.untold(self._engine, self._clock()))):
            found = [incident for incident in self._kept if incident.resolution_told_at is None]
        return [replace(incident, key_told_at=self._last_told(incident)) for incident in found]

    def mark_told(self, telling: Telling) -> None:
        """Note that people were told."""
        now, incident = self._clock(), telling.incident
        resolution = telling.kind is Kind.RECOVERY
        if not resolution:
            self._told_at[incident.key] = now
        number = incident.problem_id
        if number is not None:
            self._try(lambda: problems.mark_told(self._engine, number, now, resolution=resolution))
            return
        for at, kept in enumerate(self._kept):
            if (kept.key, kept.opened_at) == (incident.key, incident.opened_at):
                told = replace(kept, resolution_told_at=now) if resolution else replace(kept, told_at=now)
                self._kept[at] = told

    def note_channel(self, delivery: Delivery) -> None:
        """As :func:`telemetry_pipeline.warehouse.problems.note_channel`."""
        self._try(lambda: problems.note_channel(self._engine, delivery.channel, delivery.error, self._clock()))

    def _try(self, write: Callable[[], object]) -> bool:
        # Once per round is enough to find out that PostgreSQL is away: that can take the whole time-out.
        if not self._away:
            try:
                write()
            except WarehouseError:
                self._away = True
        return not self._away

    def _keep(self, problem: Problem) -> None:
        """Remember it, unless it is open in PostgreSQL as it is."""
        now = self._clock()
        for at, incident in enumerate(self._kept):
            if incident.key == problem.key and incident.resolved_at is None:
                self._kept[at] = replace(
                    incident, times=incident.times + 1, last_at=now, detail=problem.detail, run_id=problem.run_id
                )
                return
        if problem.key not in self.open_keys:
            self._kept.append(Incident(**asdict(problem), opened_at=now, last_at=now))

    def _last_told(self, incident: Incident) -> datetime | None:
        told = [at for at in (incident.key_told_at, self._told_at.get(incident.key)) if at is not None]
        return max(told, default=None)
