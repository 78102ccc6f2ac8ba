"""The problems as the watch knows them: PostgreSQL's, and while that is away a memory of what is to be written down."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from telemetry_pipeline.ages import is_future
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.messaging.channels import Delivery
from telemetry_pipeline.monitoring.alerts.telling import QUIET, Occasion, Telling
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Incident, Problem
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Message, Taken

_log = logging.getLogger(__name__)

# Longer than any channel takes.
_SENDING = timedelta(minutes=5)


@dataclass(frozen=True)
class Entry:
    """A message that goes out. :ivar taken: its row; None: PostgreSQL is away."""

    taken: Taken | None


class Notebook:
    """What is wrong, and what people were told of it: each message on each channel is a row of the outbox.

    No method fails because PostgreSQL is away, takes no changes or answers with errors.

    What cannot be written is remembered, and until all of it is written nothing is read: it would not be how things are.

    :ivar open_keys: of the problems that are open, as far as is known.
    :param clock: aware time.
    """

    def __init__(self, engine: sa.Engine, clock: Callable[[], datetime]) -> None:
        self.open_keys: frozenset[str] = frozenset()
        self._engine = engine
        self._clock = clock
        self._away = False
        self._said = ""
        self._kept: list[Incident] = []
        self._over: dict[str, datetime] = {}
        self._marks: dict[tuple[int, bool], datetime] = {}
        self._told_at: dict[str, datetime] = {}
        self._knows_the_past = False

    def refresh(self) -> None:
        """Write down what was kept, and read what is open. To be called before each round."""
        self._away = False
        if self._try(self._write_and_read):
            self._said = ""

    def _write_and_read(self) -> None:
        for key, at in list(self._over.items()):
            problems.resolve(self._engine, key, at)
            del self._over[key]
        while self._kept:
            try:
                problems.add(self._engine, self._kept[0])
            except ValueError as err:
                # Characters that the database cannot hold. The rest must not wait for it; people were told.
                _log.error("a problem cannot be written down: %s: %s", self._kept[0].summary, err)
            del self._kept[0]
        for (problem_id, resolution), at in list(self._marks.items()):
            problems.mark_told(self._engine, problem_id, at, resolution=resolution)
            del self._marks[problem_id, resolution]
        if not self._knows_the_past:
            self._told_at = problems.told_at(self._engine, self._clock() - QUIET) | self._told_at
            self._knows_the_past = True
        self.open_keys = frozenset(problem.key for problem in problems.open_problems(self._engine))

    def report(self, problem: Problem) -> None:
        """Report a problem by :func:`telemetry_pipeline.warehouse.operations.problems.report`, or keep it for later."""
        if not self._try(lambda: problems.report(self._engine, problem)):
            self._keep(problem)
        self.open_keys |= {problem.key}

    def resolve(self, key: str) -> None:
        """End a problem by :func:`telemetry_pipeline.warehouse.operations.problems.resolve`, or keep when it was over."""
        if not self._try(lambda: problems.resolve(self._engine, key)):
            now = self._clock()
            kept = [incident for incident in self._kept if incident.key == key and incident.resolved_at is None]
            for incident in kept:
                self._kept[self._kept.index(incident)] = replace(incident, resolved_at=now)
            if not kept:
                self._over.setdefault(key, now)
        self.open_keys -= {key}

    def untold(self) -> list[Incident]:
        """Return what people may have to be told about; only what began meanwhile while PostgreSQL is away."""
        found: list[Incident] = []
        if not self._try(lambda: found.extend(problems.untold(self._engine, self._clock()))):
            found = [incident for incident in self._kept if incident.resolution_told_at is None]
        return [replace(incident, key_told_at=self._last_told(incident)) for incident in found]

    def mark_told(self, telling: Telling) -> None:
        """Note that people were told."""
        now, incident = self._clock(), telling.incident
        resolution = telling.occasion is Occasion.RECOVERY
        if not resolution:
            self._told_at[incident.key] = now
        number = incident.problem_id
        if number is not None:
            if not self._try(lambda: problems.mark_told(self._engine, number, now, resolution=resolution)):
                self._marks[number, resolution] = now
            return
        for at, kept in enumerate(self._kept):
            if (kept.key, kept.opened_at) == (incident.key, incident.opened_at):
                told = replace(kept, resolution_told_at=now) if resolution else replace(kept, told_at=now)
                self._kept[at] = told

    def note_channel(self, delivery: Delivery) -> None:
        """Note how a channel works by :func:`telemetry_pipeline.warehouse.operations.problems.note_channel`."""
        self._try(lambda: problems.note_channel(self._engine, delivery.channel, delivery.error, self._clock()))

    def begin_sending(self, message: Message) -> Entry | None:
        """Put a message in the outbox that goes out now; None: its channel took it before, or may have.

        While PostgreSQL is away it goes out all the same, and stands nowhere.
        """
        found: list[Taken | None] = []
        if not self._try(lambda: found.append(outbox.claim(self._engine, message, _SENDING))):
            return Entry(None)
        return None if found[0] is None else Entry(found[0])

    def end_sending(self, entry: Entry, error: str | None, *, given_up: bool) -> None:
        """Note what became of it.

        :param error: why the channel did not take it. :param given_up: whether it is not tried again.
        """
        taken = entry.taken
        if taken is None:
            return
        if error is not None and not given_up:
            self._try(lambda: outbox.put_off(self._engine, taken, timedelta(), error))
        else:
            self._try(lambda: outbox.settle(self._engine, taken, "failed" if error else "sent", error or ""))

    def _try(self, act: Callable[[], object]) -> bool:
        # Once per round is enough to find out that PostgreSQL is away: that can take the whole time-out.
        if not self._away:
            try:
                act()
            except (WarehouseError, ValueError) as err:
                self._away = True
                if str(err) != self._said:
                    self._said = str(err)
                    _log.warning("problems cannot be read or written: %s", err)
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
        now = self._clock()
        told = (incident.key_told_at, incident.told_at, self._told_at.get(incident.key))
        return max((at for at in told if at is not None and not is_future(at, now)), default=None)
