"""Ids that the upstream could not deliver, and when they are asked for again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa


@dataclass(frozen=True)
class Gap:
    """Ids, both ends included, that the upstream could not deliver, with the raw text of its answer if there was one.

    :ivar day: the only local date of which these ids were asked for; None: of any, and their neighbours have to tell.
    """

    first_record_id: int
    last_record_id: int
    reason: str
    raw: str | None = None
    day: date | None = None


def open_gaps(engine: sa.Engine, after_id: int) -> list[Gap]:
    """Open gaps that reach beyond *after_id*, in the order of ids."""
    with engine.connect() as connection:
        return [Gap(*row) for row in connection.execute(_OPEN_GAPS, {"after_id": after_id})]


def gaps_due(engine: sa.Engine, limit: int) -> list[Gap]:
    """Open gaps that are to be tried again by now, those that waited longest first."""
    with engine.connect() as connection:
        return [Gap(*row) for row in connection.execute(_GAPS_DUE, {"limit": limit})]


def gap_tried(engine: sa.Engine, gap: Gap, *, resolved: bool) -> None:
    """Note another try of an open gap."""
    with engine.begin() as connection:
        connection.execute(_GAP_TRIED, {**vars(gap), "resolved": resolved})


_OPEN_GAPS = sa.text("""
    select first_record_id, last_record_id, reason, null from telemetry.sync_gaps
    where resolved_at is null and last_record_id > :after_id
    order by first_record_id, last_record_id
""")

_GAPS_DUE = sa.text("""
    select first_record_id, last_record_id, reason, raw from telemetry.sync_gaps
    where resolved_at is null
      and (tried_at + least(interval '1 minute' * power(2, least(attempts, 11)), interval '1 day') <= now() or tried_at > now())
    order by tried_at, gap_id limit :limit
""")

_GAP_TRIED = sa.text("""
    update telemetry.sync_gaps
    set attempts = attempts + 1, tried_at = now(), resolved_at = case when :resolved then now() end
    where first_record_id = :first_record_id and last_record_id = :last_record_id and resolved_at is null
""")
