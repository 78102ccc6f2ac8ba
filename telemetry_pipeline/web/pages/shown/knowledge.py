"""What a page has to know before it begins: which days are known, how old the last sync is, which channels there are."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

import sqlalchemy as sa

from telemetry_pipeline.ages import is_recent
from telemetry_pipeline.days import Completeness, Period
from telemetry_pipeline.warehouse.core.names import find_names
from telemetry_pipeline.warehouse.db.connections import snapshot
from telemetry_pipeline.warehouse.operations.status import LastSync, last_sync
from telemetry_pipeline.warehouse.raw import completeness

FRESH = timedelta(minutes=30)
"""After this time without a sync, figures of today are behind."""

_MOST_CHANNELS = 5000
_SEEN = sa.text("select exists (select from telemetry.views where channel_name = :channel)")


@dataclass(frozen=True)
class Knowledge:
    """As of one moment.

    :ivar channels: names that channels have or had, in order.
    """

    days: Completeness
    sync: LastSync
    channels: tuple[str, ...]

    @property
    def stale_for(self) -> timedelta | None:
        """How long ago the last sync was, where that is longer than it should be."""
        at = self.sync.synced_at
        return None if at is None or is_recent(at, self.sync.now, FRESH) else self.sync.now - at

    def incomplete(self, period: Period) -> list[date]:
        """Return days of a period whose figures may still grow."""
        first = self.days.first_day
        return [] if first is None else [day for day in period.days() if day >= first and not self.days.is_complete(day)]

    def not_there_yet(self, begin: datetime) -> str:
        """Return why nothing can be known of hours that begin then, by its name in the catalogue; empty: something can be."""
        if begin > self.sync.now:
            return "hours_to_come"
        return "hours_not_read" if self.days.known_until is not None and begin >= self.days.known_until else ""

    def has_all_of(self, against: Period | None) -> bool:
        """Return whether data begin before some days."""
        first = self.days.first_day
        return against is not None and first is not None and first < against.first

    def can_be_compared(self, period: Period, against: Period | None) -> bool:
        """Return whether all is there of both."""
        if against is None or not self.has_all_of(against):
            return False
        return not self.incomplete(period) and not self.incomplete(against)


def look(engine: sa.Engine) -> Knowledge:
    """Read it.

    :raises WarehouseError: PostgreSQL cannot be asked.
    """
    with snapshot(engine) as connection:
        return Knowledge(completeness.read(connection), last_sync(connection), tuple(find_names(connection, _MOST_CHANNELS)))


def was_ever_seen(engine: sa.Engine, channel: str) -> bool:
    """Return whether a view has a channel of this name."""
    with engine.connect() as connection:
        return bool(connection.scalar(_SEEN, {"channel": channel.replace("\0", "")}))
