"""Reports of a stack that are brought to a moment of their way, who is killed then, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import partial
from threading import Event
from typing import Any

import psutil
import sqlalchemy as sa
from gates import KEPT, LAUNCHED, SAID, STARTING, Gate, Gates
from mail_server import MailServer
from terminal import Operator, wait_until

from bench.strikes import processes
from telemetry_pipeline import broker
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.polling import polling
from telemetry_pipeline.tags import REPORT
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.outgoing import made_reports

RECIPIENTS = ("ana@example.com", "eva@example.com")
QUEUED = "queued"
"""A moment beside those of gates: the step is in the broker, for all workers are busy."""

_BEHIND = {"daemon": (STARTING,), "run": (LAUNCHED,), "step process": (SAID, KEPT), "worker": (SAID, KEPT)}
"""At which moments who is killed waits itself, or its children do, which go with it."""

_STATES = sa.text("select recipient, state, outcome from telemetry.outbox where about like :about order by recipient")
_RECORDS = sa.text("""
    select count(*) from telemetry.made_reports where is_scheduled and report = 'daily_report' and period_first = :day
""")
_RUNS = sa.text("""
    select status from runs join run_tags using (run_id)
    where run_tags.key = 'telemetry/report' and value = :report order by runs.id
""")
_BEGUN = sa.text("""
    select count(*) from event_logs join run_tags using (run_id)
    where dagster_event_type in ('STEP_START', 'STEP_RESTARTED') and run_tags.key = 'telemetry/report' and value = :report
""")
_HOUR_LATER = sa.text("""
    update telemetry.outbox set not_before = not_before - interval '1 hour', leased_until = leased_until - interval '1 hour'
    where settled_at is null
""")


@dataclass(frozen=True)
class Became:
    """What became of the report of a day.

    :ivar records: how many of it are on record. :ivar runs: how its runs ended, the first one first.
    :ivar begun: how often its step began.
    :ivar states: of the message to each recipient. :ivar mails: that came whole, by recipient.
    """

    records: int
    runs: tuple[str, ...]
    begun: int
    states: dict[str, tuple[str, str]]
    mails: Counter[str]

    @property
    def is_settled(self) -> bool:
        """Whether nobody is at work on it any more; a run that fails behind its only step is not repeated."""
        settled = [state in ("sent", "failed", "doubtful") for state, _ in self.states.values()]
        return len(settled) == len(RECIPIENTS) and all(settled) and {*self.runs} <= {"SUCCESS", "FAILURE"}

    @property
    def wrong(self) -> list[str]:
        """What is not as it has to be: one report, and one mail to each recipient, or a reason why not."""
        said = [] if self.records == 1 else [f"{self.records} reports on record"]
        for each in RECIPIENTS:
            state, outcome = self.states.get(each, ("on no record", ""))
            right = self.mails[each] == 1 if state == "sent" else self.mails[each] <= 1 and outcome
            said += [] if right else [f"{each}: {self.mails[each]} mails, {state} {outcome}"]
        return said


@dataclass(frozen=True)
class Reports:
    """The daily reports of a stack."""

    operator: Operator
    gates: Gates
    server: MailServer

    def launch(self, day: date) -> str:
        """Have the report of a day made for its subscribers, as its schedule does; the run."""
        tags = {REPORT: f"daily_report:{day}"}
        parameters = {"daily_report": {"deliver": True}}
        return self.operator.client.launch("daily_report", partition=day, parameters=parameters, tags=tags)

    @contextmanager
    def brought_to(self, moments: Mapping[str, date]) -> Iterator[dict[str, Gate]]:
        """Have the report of each day wait at its moment; where that is in the broker, the others keep all workers busy."""
        with ExitStack() as closed, ThreadPoolExecutor() as pool:
            gates = {
                moment: closed.enter_context(self.gates.closed(moment, day))
                for moment, day in moments.items()
                if moment != QUEUED
            }
            # Who is about to be on record keeps others from it, and the last one finds no worker.
            for wave in ({*gates} - {KEPT}, {KEPT} & {*moments}, {QUEUED} & {*moments}):
                runs = list(pool.map(self.launch, [moments[each] for each in wave]))
                for moment, run_id in zip(wave, runs, strict=True):
                    waits = self._waits_for_a_worker if moment == QUEUED else lambda _, gate=gates[moment]: gate.is_reached
                    wait_until(partial(waits, run_id), 60)
            yield gates

    def _waits_for_a_worker(self, run_id: str) -> bool:
        return any(step.run_id == run_id for step in broker.steps_waiting(self.operator.state["redis_url"]))

    def kill(self, kinds: Collection[str], gates: Mapping[str, Gate]) -> None:
        """Kill every process of some kinds, as ``bench.strikes`` calls them, and let the others pass the gates."""
        present = processes(self.operator.home)
        assert {*kinds} <= {*present}
        for victim in [each for kind in kinds for each in present[kind]]:
            with suppress(psutil.NoSuchProcess):
                victim.kill()
        for moment in {moment for kind in kinds for moment in _BEHIND.get(kind, ())} & {*gates}:
            gates[moment].turn_away()
        for gate in gates.values():
            gate.open()

    @contextmanager
    def held_at(self, step: str) -> Iterator[Event | None]:
        """Have the mail server wait at a step of the first mail as long as the context lasts; told when it does. With no step
        it does not.
        """
        reached, over = Event(), Event()

        def wait() -> None:
            if not reached.is_set():
                reached.set()
                over.wait(120)

        if step:
            self.server.acts[step] = wait
        try:
            yield reached if step else None
        finally:
            self.server.acts.clear()
            over.set()

    def an_hour_later(self) -> None:
        """Have an hour go by for mail that waits, and for the leases of who was killed."""
        with self.engine.begin() as connection:
            connection.execute(_HOUR_LATER)

    @property
    def engine(self) -> sa.Engine:
        """Of the warehouse."""
        return connect(self.operator.state["database_url"])

    def files(self) -> set[str]:
        """Return the paths of all files that are on record."""
        with self.engine.connect() as connection:
            return made_reports.paths(connection)

    def found(self, day: date) -> Became:
        """Return what became of the report of a day so far."""
        runs = connect(self.operator.state["dagster_database_url"])
        with self.engine.connect() as warehouse, runs.connect() as dagster:
            return Became(
                warehouse.scalar(_RECORDS, {"day": day}) or 0,
                tuple(dagster.scalars(_RUNS, {"report": f"daily_report:{day}"})),
                dagster.scalar(_BEGUN, {"report": f"daily_report:{day}"}) or 0,
                {to: (became, why) for to, became, why in warehouse.execute(_STATES, {"about": f"report:%:{day}:{day}"})},
                Counter(str(mail["To"]) for mail in self.server.mails if _is_of(mail, day)),
            )

    def await_settled(self, days: Collection[date], seconds: float) -> dict[date, Became]:
        """Wait until nothing more will happen to the reports of some days."""
        found: dict[date, Became] = {}

        def look() -> bool:
            with suppress(WarehouseError):  # it may have been killed
                found.update((day, self.found(day)) for day in days)
            return len(found) == len(days) and all(each.is_settled for each in found.values())

        assert any(look() for _ in polling(seconds, 0.5)), found
        return found


def _is_of(mail: Any, day: date) -> bool:
    return any(str(day) in (part.get_filename() or "") for part in mail.iter_attachments())
