"""Steps that failed after all retries, or that a lost run left undone: on the list until somebody repeats them with success,
or gives them up.

Which failures belong here, and how a step is repeated, is decided elsewhere.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime

import sqlalchemy as sa

from telemetry_pipeline.warehouse.operations import problems

_ADD = sa.text("""
insert into telemetry.dead_letters (run_id, job, step, partition, error)
values (:run_id, :job, :step, :partition, :error)
on conflict (run_id, step) do nothing
""")
_ARE_OF = sa.text("select exists (select from telemetry.dead_letters where run_id = :run_id)")
_OPEN = sa.text("""
select run_id, job, step, partition, error, dead_letter_id, failed_at
from telemetry.dead_letters where settled_at is null order by dead_letter_id
""")
_SETTLE = sa.text("""
update telemetry.dead_letters set settled_at = now(), settled_by = :by
where settled_at is null and dead_letter_id = any(:ids)
""")


@dataclass(frozen=True)
class DeadLetter:
    """A step that failed after all retries.

    :ivar partition: its day, ``2026-10-01 to 2026-10-31`` of a range, or nothing.
    :ivar error: why it failed.
    """

    run_id: str
    job: str
    step: str
    partition: str
    error: str


@dataclass(frozen=True)
class OpenLetter(DeadLetter):
    """A dead letter that waits for somebody.

    :ivar id: its number on the list.
    """

    id: int
    failed_at: datetime


def add(engine: sa.Engine, letters: Iterable[DeadLetter]) -> None:
    """Put letters on the list; one that is or was there, of the same run and step, stays as it is.

    :raises WarehouseError: PostgreSQL is unreachable, or has no such table yet.
    """
    values = [asdict(letter) for letter in letters]
    if values:
        with engine.begin() as connection:
            connection.execute(_ADD, values)


def are_of(engine: sa.Engine, run_id: str) -> bool:
    """Return whether steps of a run are on the list, or were.

    :raises WarehouseError: PostgreSQL is unreachable, or has no such table yet.
    """
    with engine.connect() as connection:
        return bool(connection.scalar(_ARE_OF, {"run_id": run_id}))


def open_letters(engine: sa.Engine) -> list[OpenLetter]:
    """Return what is on the list, oldest first.

    :raises WarehouseError: PostgreSQL is unreachable, or has no such table yet.
    """
    with engine.connect() as connection:
        return [OpenLetter(*row) for row in connection.execute(_OPEN)]


def settle(engine: sa.Engine, ids: Iterable[int], by: str) -> int:
    """Take letters off the list; how many were still on it.

    :param by: the run that repeats their steps, or why they were given up.
    :raises WarehouseError: PostgreSQL is unreachable, or has no such table yet.
    """
    with engine.begin() as connection:
        return connection.execute(_SETTLE, {"ids": list(ids), "by": by}).rowcount


def end_problems(engine: sa.Engine, run_ids: Collection[str]) -> None:
    """End the problems that failed runs are of which nothing is left to be repeated.

    :raises WarehouseError: PostgreSQL is unreachable, or has no such table yet.
    """
    for problem in problems.open_problems(engine):
        if problem.run_id in run_ids and problem.key.startswith(problems.RUN):
            problems.resolve(engine, problem.key)
