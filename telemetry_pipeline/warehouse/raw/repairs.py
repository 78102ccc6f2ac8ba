"""Where repairs of past days stopped."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

import sqlalchemy as sa


@dataclass(frozen=True)
class RepairPosition:
    """Where a repair is to go on: at which day, above which id of it, and up to which id it reads at all.

    :ivar began_at: when its first step began: what it reads is all that there was then.
    """

    day: date
    after_id: int
    up_to_id: int
    began_at: datetime


def repair_position(engine: sa.Engine, repair: str) -> RepairPosition | None:
    """Return where the repair of that name stopped; None when it did not start, or is done."""
    with engine.connect() as connection:
        row = connection.execute(_REPAIR_POSITION, {"repair": repair}).one_or_none()
    return RepairPosition(*row) if row else None


def keep_repair_position(engine: sa.Engine, repair: str, position: RepairPosition | None) -> None:
    """Note where a repair stopped, or, with None, that it is done."""
    with engine.begin() as connection:
        if position is None:
            connection.execute(_FORGET_REPAIR, {"repair": repair})
        else:
            connection.execute(_KEEP_REPAIR, {"repair": repair, **vars(position)})


_REPAIR_POSITION = sa.text("select day, after_id, up_to_id, began_at from telemetry.sync_repairs where repair = :repair")

_FORGET_REPAIR = sa.text("delete from telemetry.sync_repairs where repair = :repair")

_KEEP_REPAIR = sa.text("""
    insert into telemetry.sync_repairs (repair, day, after_id, up_to_id, began_at)
    values (:repair, :day, :after_id, :up_to_id, :began_at)
    on conflict (repair) do update set day = excluded.day, after_id = excluded.after_id
""")
