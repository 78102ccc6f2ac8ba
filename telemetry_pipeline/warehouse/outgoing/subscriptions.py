"""Who gets which report by mail. Which reports there are, and what an address is, callers know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.warehouse.access import audit
from telemetry_pipeline.warehouse.access.audit import Actor

_COLUMNS = "subscription_id, report, channel, formats, recipients, created_at, created_by"
_ADD = sa.text(f"""
    insert into telemetry.subscriptions (report, channel, formats, recipients, created_by)
    values (:report, :channel, :formats, :recipients, :by)
    returning {_COLUMNS}
""")
_OPEN = sa.text(f"select {_COLUMNS} from telemetry.subscriptions where ended_at is null order by subscription_id")
_END = sa.text("""
    update telemetry.subscriptions set ended_at = now(), ended_by = :by where subscription_id = :id and ended_at is null
""")


@dataclass(frozen=True)
class Subscription:
    """Somebody's wish to get a report whenever it is due.

    :ivar channel: that the report is about; empty: all.
    """

    subscription_id: int
    report: str
    channel: str
    formats: tuple[str, ...]
    recipients: tuple[str, ...]
    created_at: datetime
    created_by: str


def add(
    connection: sa.Connection, actor: Actor, report: str, channel: str, formats: Sequence[str], recipients: Sequence[str]
) -> Subscription:
    """Put one on record. Formats and recipients are kept once each."""
    values = {
        "report": report,
        "channel": channel,
        "formats": list(dict.fromkeys(formats)),
        "recipients": list(dict.fromkeys(recipients)),
        "by": actor.name,
    }
    added = _subscription(connection.execute(_ADD, values).one())
    audit.write(connection, actor, "subscription added", subscription=added.subscription_id, report=report)
    return added


def find_open(connection: sa.Connection) -> list[Subscription]:
    """Return those that go on, the oldest first."""
    return [_subscription(row) for row in connection.execute(_OPEN)]


def end(connection: sa.Connection, actor: Actor, subscription_id: int) -> None:
    """End one; what is on its way goes on.

    :raises RequestRefused: there is none of that number that goes on.
    """
    if not connection.execute(_END, {"id": subscription_id, "by": actor.name}).rowcount:
        raise RequestRefused(
            f"no subscription {subscription_id} goes on", "'telemetry-pipeline subscriptions' lists those that do"
        )
    audit.write(connection, actor, "subscription ended", subscription=subscription_id)


def _subscription(row: sa.Row[tuple[object, ...]]) -> Subscription:
    values = dict(row._mapping)
    return Subscription(**{**values, "formats": tuple(values["formats"]), "recipients": tuple(values["recipients"])})
