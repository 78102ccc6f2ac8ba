"""What the sync stored and no merge has seen."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

_SAME_RANGE_MAX_HOLE = 1_000


@dataclass(frozen=True)
class Pending:
    """A range of ids, both ends included, and the local dates of the records that are new in it, or were seen again."""

    low: int
    high: int
    days: frozenset[date]
    seen_again: bool

    @property
    def bounds(self) -> dict[str, object]:
        """As parameters; the dates tell PostgreSQL which partitions to leave alone."""
        return {"low": self.low, "high": self.high, "first_date": min(self.days), "last_date": max(self.days)}


AMONG_PENDING = "records.record_id between :low and :high and records.local_date between :first_date and :last_date"


def claim_pending(connection: sa.Connection) -> list[Pending]:
    """Take what is pending, as disjoint ranges of ids in order."""
    joined: list[Pending] = []
    for low, high, days, seen_again in sorted(connection.execute(_CLAIM_PENDING).all()):
        piece = Pending(low, high, frozenset(days), seen_again)
        if joined and low - joined[-1].high <= _SAME_RANGE_MAX_HOLE:
            before = joined.pop()
            piece = Pending(before.low, max(before.high, high), before.days | piece.days, before.seen_again or seen_again)
        joined.append(piece)
    return joined


_CLAIM_PENDING = sa.text("delete from telemetry.pending_merges returning first_record_id, last_record_id, days, seen_again")
