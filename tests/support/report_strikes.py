"""Reports of a stack that are brought to a moment of their way, who is killed then, and what became of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from typing import Any

import psutil
import sqlalchemy as sa
from gates import KEPT, Gate, Gates
from mail_server import MailServer
from terminal import Operator, wait_until

from bench.strikes import processes
from telemetry_pipeline import broker
from telemetry_pipeline.tags import REPORT
from telemetry_pipeline.warehouse.db.connections import connect

RECIPIENTS = ("ana@example.com", "eva@example.com")
LAUNCHED, QUEUED, BEGUN, SAID = "PIPELINE_START", "queued", "STEP_START", "STEP_SUCCESS"
"""Moments beside ``KEPT``: the run's process has done nothing yet; the step waits in the broker; it has done nothing yet; the
report is on record, and its step has not said so yet."""

_STATES = sa.text("select recipient, state, outcome from telemetry.outbox where about like :about order by recipient")
_RECORDS = sa.text("""
    select count(*) from telemetry.made_reports where is_scheduled and report = 'daily_report' and period_first = :day
""")
_RUNS = sa.text("""
    select status from runs join run_tags using (run_id)
    where run_tags.key = 'telemetry/report' and value = :report order by runs.id
""")
_HOUR_LATER = sa.text("""
    update telemetry.outbox set not_before = not_before - interval '1 hour', leased_until = leased_until - interval '1 hour'
    where settled_at is null
""")


@dataclass(frozen=True)
class Became:
    """What became of the report of a day.

    :ivar records: how many of it are on record. :ivar runs: how its runs ended, the first one first.
    :ivar states: of the message to each recipient. :ivar mails: that came whole, by recipient.
    """

    records: int
    runs: tuple[str, ...]
    states: dict[str, tuple[str, str]]
    mails: Counter[str]

    @property
    def is_settled(self) -> bool:
        """Whether nothing more will happen."""
        ended = {"SUCCESS", "FAILURE", "CANCELED"}
        return (
            self.runs[-1:] == ("SUCCESS",)
            and set(self.runs) <= ended
            and len(self.states) == len(RECIPIENTS)
            and all(state in ("sent", "failed", "doubtful") for state, _ in self.states.values())
        )

    @property
    def wrong(self) -> list[str]:
        """What is not as it has to be: one report, and one mail to each recipient, or a reason why not."""
        said = [] if self.records == 1 else [f"{self.records} reports on record"]
        for each in RECIPIENTS:
            state, outcome = self.states.get(each, ("on no record", ""))
            right = self.mails[each] == 1 if state == "sent" else self.mails[each] <= 1 and state in ("doubtful", "failed") and outcome
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
    def brought_to(self, moments: Sequence[str], days: Sequence[date]) -> Iterator[list[Gate]]:
        """Have each report wait at its moment, in this order; where its step waits for a worker, the others keep all of them
        busy.
        """
        with ExitStack() as closed:
            gates = []
            for moment, day in zip(moments, days, strict=True):
                if moment == QUEUED:
                    run_id = self.launch(day)
                    wait_until(lambda run_id=run_id: self.waits_for_a_worker(run_id), 30)
                else:
                    gates.append(closed.enter_context(self.gates.closed(moment, day)))
                    self.launch(day)
                    wait_until(lambda gate=gates[-1]: gate.is_reached, 30)
            yield gates

    def waits_for_a_worker(self, run_id: str) -> bool:
        """Return whether the step of a run is in the broker, and with nobody."""
        return any(step.run_id == run_id for step in broker.steps_waiting(self.operator.state["redis_url"]))

    def kill(self, kind: str) -> None:
        """Kill every process of a kind, as ``bench.strikes`` calls them."""
        victims = processes(self.operator.home)[kind]
        assert victims, f"there is no {kind}"
        for victim in victims:
            with suppress(psutil.NoSuchProcess):
                victim.kill()

    def an_hour_later(self) -> None:
        """Have an hour go by for mail that waits, and for the leases of who was killed."""
        with connect(self.operator.state["database_url"]).begin() as connection:
            connection.execute(_HOUR_LATER)

    def found(self, day: date) -> Became:
        """Return what became of the report of a day so far."""
        state: dict[str, Any] = self.operator.state
        with connect(state["database_url"]).connect() as warehouse, connect(state["dagster_database_url"]).connect() as dagster:
            return Became(
                warehouse.scalar(_RECORDS, {"day": day}) or 0,
                tuple(dagster.scalars(_RUNS, {"report": f"daily_report:{day}"})),
                {to: (became, why) for to, became, why in warehouse.execute(_STATES, {"about": f"report:%:{day}:{day}"})},
                Counter(str(mail["To"]) for mail in self.server.mails if _is_of(mail, day)),
            )

    def await_settled(self, days: Sequence[date], seconds: float) -> dict[date, Became]:
        """Wait until nothing more will happen to the reports of some days."""
        found: dict[date, Became] = {}

        def all_settled() -> bool:
            with suppress(Exception):
                found.update((day, self.found(day)) for day in days)
            return len(found) == len(days) and all(each.is_settled for each in found.values())

        with suppress(AssertionError):
            wait_until(all_settled, seconds)
        return found


def _is_of(mail: Any, day: date) -> bool:
    return any(str(day) in (part.get_filename() or "") for part in mail.iter_attachments())
