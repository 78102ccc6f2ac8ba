"""What people are told, and when: at most one message per problem and hour, and one when it is over. Pure decisions.

How messages read is in ``messages``, how they are sent in ``channels``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from telemetry_pipeline.ages import is_future
from telemetry_pipeline.warehouse.operations.problems import Incident

QUIET = timedelta(hours=1)


class Occasion(Enum):
    """What a message says of its incident."""

    PROBLEM = "problem"
    REMINDER = "reminder"
    RECOVERY = "recovery"


@dataclass(frozen=True)
class Telling:
    """One message to send."""

    occasion: Occasion
    incident: Incident

    @property
    def name(self) -> tuple[str, datetime, Occasion]:
        """The same for the same message, however the incident has gone on since."""
        return self.incident.key, self.incident.opened_at, self.occasion

    @property
    def about(self) -> str:
        """The same for the same message as text; reminders differ by when people were told before."""
        incident, before = self.incident, self.incident.told_at
        parts = [incident.key, incident.opened_at.isoformat(), self.occasion.value]
        if self.occasion is Occasion.REMINDER and before:
            parts.append(before.isoformat())
        return ":".join(parts)


def due(incidents: Sequence[Incident], now: datetime) -> list[Telling]:
    """Return the messages to send now.

    An open problem is told, and again every hour while it lasts or comes up again. What was over before anybody was told is
    told with its end, or a short outage would go unseen. What comes and goes within an hour after a message is told again
    only if it is open when the hour is over.

    What was told at a time of the future was told before a clock was set back, and counts as untold: nobody would hear of it
    again for as long as the clock was ahead.
    """

    def past(at: datetime | None) -> datetime | None:
        return None if at is None or is_future(at, now) else at

    told_at = {incident.key: past(incident.key_told_at) for incident in incidents}
    is_open = {incident.key for incident in incidents if incident.resolved_at is None}
    tellings = []

    def tell_problem(incident: Incident) -> None:
        tellings.append(Telling(Occasion.REMINDER if incident.told_at else Occasion.PROBLEM, incident))
        told_at[incident.key] = now

    for incident in incidents:
        before = told_at[incident.key]
        if incident.resolved_at is None:
            last = past(incident.told_at)
            news = last is None or incident.last_at > last
            if (news or incident.lasts) and (before is None or now - before >= QUIET):
                tell_problem(incident)
        elif incident.told_at is not None:
            tellings.append(Telling(Occasion.RECOVERY, incident))
        elif incident.key not in is_open and (before is None or incident.opened_at - before >= QUIET):
            tell_problem(incident)
            tellings.append(Telling(Occasion.RECOVERY, incident))
    return tellings
