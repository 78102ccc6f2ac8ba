"""What the page lists: the newest reports, who subscribed, and what became of what was sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from telemetry_pipeline.printable import mask
from telemetry_pipeline.reports.publishing.subscribing import TOPIC
from telemetry_pipeline.warehouse.outgoing import made_reports, outbox, subscriptions
from telemetry_pipeline.warehouse.outgoing.made_reports import MadeReport
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery
from telemetry_pipeline.warehouse.outgoing.subscriptions import Subscription

MOST_REPORTS = 40
MOST_DELIVERIES = 60
_LONG = timedelta(minutes=10)


@dataclass(frozen=True)
class Listed:
    """As of one moment; the newest first."""

    reports: Sequence[MadeReport]
    subscriptions: Sequence[Subscription]
    deliveries: Sequence[Delivery]

    def masked(self) -> Listed:
        """Return the same for who may not see the addresses of people."""
        return Listed(
            self.reports,
            [replace(each, recipients=tuple(map(mask, each.recipients))) for each in self.subscriptions],
            [replace(each, recipient=mask(each.recipient), outcome=mask(each.outcome)) for each in self.deliveries],
        )

    def unsent_since(self, now: datetime) -> datetime | None:
        """Return since when messages wait that nobody tries to send, as where there is no mail server; None: none do."""
        waiting = (each for each in self.deliveries if each.state == "waiting" and not each.tries)
        return min((each.not_before for each in waiting if now - each.not_before > _LONG), default=None)


def read(connection: sa.Connection) -> Listed:
    """Return what there is."""
    return Listed(
        made_reports.find_newest(connection, MOST_REPORTS),
        subscriptions.find_open(connection),
        outbox.find_newest(connection, MOST_DELIVERIES, topic=TOPIC),
    )
