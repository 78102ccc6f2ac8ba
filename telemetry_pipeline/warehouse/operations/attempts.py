"""Which attempt at a step of a run counts: the table ``step_attempts``.

A step that is submitted again gets the next number. A worker that was only paused, or cut off from the broker, may still be at
work on an earlier attempt, and the broker may hand the same message out twice; so whoever begins an attempt gets a name, and
only the last one of the highest number counts.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from telemetry_pipeline.errors import Superseded

_LEFT_BEHIND = timedelta(days=1)

_BEGIN = sa.text("""
insert into telemetry.step_attempts as known (run_id, step, number, execution, executions)
values (:run_id, :step, :number, :execution, 1)
on conflict (run_id, step) do update set
    number = excluded.number, execution = excluded.execution, changed_at = now(),
    executions = case when known.number = excluded.number then known.executions else 0 end + 1
where known.number <= excluded.number
returning executions
""")
_SUPERSEDE = sa.text("""
insert into telemetry.step_attempts as known (run_id, step, number) values (:run_id, :step, :number)
on conflict (run_id, step) do update set number = excluded.number, execution = null, executions = 0, changed_at = now()
where known.number < excluded.number
""")
_COUNTS = sa.text("""
select exists (
    select from telemetry.step_attempts where run_id = :run_id and step = :step and execution = :execution
)
""")
_IS_SUPERSEDED = sa.text("""
select exists (select from telemetry.step_attempts where run_id = :run_id and step = :step and number > :number)
""")
_FORGET = sa.text("delete from telemetry.step_attempts where run_id = :run_id or changed_at < now() - :left_behind")


@dataclass(frozen=True)
class Attempt:
    """An attempt at a step that somebody has begun to execute.

    :ivar number: from 0.
    :ivar execution: who executes it.
    :ivar is_repeated: whether it was begun before; nobody knows how far that came.
    """

    engine: sa.Engine
    run_id: str
    step: str
    number: int
    execution: str
    is_repeated: bool

    def counts(self) -> bool:
        """Return whether there is no later attempt, and nobody began this one anew.

        :raises WarehouseUnavailable: that cannot be said.
        """
        with self.engine.connect() as connection:
            key = {"run_id": self.run_id, "step": self.step, "execution": self.execution}
            return bool(connection.scalar(_COUNTS, key))

    def check(self) -> None:
        """Refuse to go on with an attempt that no longer counts.

        :raises Superseded: it does not.
        """
        if not self.counts():
            raise Superseded(f"another attempt at {self.step} of run {self.run_id} is at work; this one stores nothing more")


def begin(engine: sa.Engine, run_id: str, step: str, number: int) -> Attempt:
    """Take an attempt on; from now on no earlier one counts, nor who had begun this one.

    :raises Superseded: there is a later one.
    :raises WarehouseUnavailable: PostgreSQL cannot be reached.
    """
    execution = uuid.uuid4().hex
    key = {"run_id": run_id, "step": step, "number": number, "execution": execution}
    with engine.begin() as connection:
        executions = connection.scalar(_BEGIN, key)
    if executions is None:
        raise Superseded(f"there is a later attempt at {step} of run {run_id} than number {number}")
    return Attempt(engine, run_id, step, number, execution, is_repeated=executions > 1)


def supersede(engine: sa.Engine, run_id: str, step: str, number: int) -> None:
    """Have no attempt below *number* count from now on."""
    with engine.begin() as connection:
        connection.execute(_SUPERSEDE, {"run_id": run_id, "step": step, "number": number})


def is_superseded(engine: sa.Engine, run_id: str, step: str, number: int) -> bool:
    """Return whether there is a later attempt than *number*."""
    with engine.connect() as connection:
        return bool(connection.scalar(_IS_SUPERSEDED, {"run_id": run_id, "step": step, "number": number}))


def forget(engine: sa.Engine, run_id: str) -> None:
    """Forget the attempts of a run that has ended: none of its attempts counts. What runs left behind whose process was killed
    goes after a day.
    """
    with engine.begin() as connection:
        connection.execute(_FORGET, {"run_id": run_id, "left_behind": _LEFT_BEHIND})
