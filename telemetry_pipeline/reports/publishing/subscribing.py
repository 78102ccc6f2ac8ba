"""Subscriptions, checked: what cannot be sent is refused when somebody asks for it, and not at eight in the morning."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from telemetry_pipeline.analyses.reports import KINDS, find
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.archive.formats import FORMATS
from telemetry_pipeline.settings.values import mail_address
from telemetry_pipeline.suggestions import meant
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.core import names
from telemetry_pipeline.warehouse.db.connections import lock
from telemetry_pipeline.warehouse.outgoing import subscriptions
from telemetry_pipeline.warehouse.outgoing.subscriptions import Subscription

TOPIC = "report"
"""Of the messages to who subscribed."""

MOST_RECIPIENTS = 500
_MOST_COMPARED, _MOST_NAMED = 2_000, 20


def subscribe(
    connection: sa.Connection, actor: Actor, report: str, channel: str, formats: Sequence[str], recipients: Sequence[str]
) -> Subscription:
    """Have a report sent to some people whenever it is due.

    :param channel: of a report about one; else empty.
    :raises RequestRefused: there is no such report, format or channel, a recipient is no mail address, or gets it already.
    """
    kind = find(report)
    if kind.of_channel and not channel:
        raise RequestRefused(f"{report} is about one channel", "give channel")
    if channel and not kind.of_channel:
        about_one = ", ".join(each.name for each in KINDS.values() if each.of_channel)
        raise RequestRefused(f"{report} is about all channels", f"leave channel out, or ask for {about_one}")
    if channel and not names.is_name(connection, channel):
        raise RequestRefused(f"there is no channel {channel!r}", _other_channels(connection, channel))
    unknown = [each for each in formats if each not in FORMATS]
    if unknown or not formats:
        raise RequestRefused(f"there is no format {', '.join(unknown) or 'given'}", f"formats: {', '.join(FORMATS)}")
    people = checked_recipients(recipients)
    if same := find_same(connection, report, channel, formats, people):
        someone, number = same
        raise RequestRefused(
            f"{someone} gets {report} as {', '.join(formats)} already, by subscription {number}",
            f"leave that address out, or end the other one with 'telemetry-pipeline subscriptions end {number}'",
        )
    return subscriptions.add(connection, actor, report, channel, formats, people)


def find_same(
    connection: sa.Connection, report: str, channel: str, formats: Sequence[str], recipients: Sequence[str]
) -> tuple[str, int] | None:
    """Return who of some recipients gets just this already, and the number of that subscription; None: nobody does.

    Who subscribes people takes turns with others from here to the end of the transaction.
    """
    lock(connection, "telemetry.subscriptions")
    wanted, people = (report, channel, set(formats)), [_address(each) for each in recipients]
    return next(
        (
            (someone, each.subscription_id)
            for each in subscriptions.find_open(connection)
            if (each.report, each.channel, set(each.formats)) == wanted
            for someone in people
            if someone in map(_address, each.recipients)
        ),
        None,
    )


def _other_channels(connection: sa.Connection, name: str) -> str:
    known = names.find_names(connection, _MOST_COMPARED)
    if not known:
        return "no channel was watched yet"
    return meant(name, known) or f"there are {', '.join(known[:_MOST_NAMED])}{', ...' if len(known) > _MOST_NAMED else ''}"


def checked_recipients(recipients: Sequence[str]) -> list[str]:
    """Return mail addresses, each once, their domains in lower case.

    :raises RequestRefused: one of them is none, or there are none, or too many.
    """
    found = list(dict.fromkeys(_address(each.strip()) for each in recipients if each.strip()))
    for each in found:
        try:
            mail_address(each)
        except ValueError as err:
            raise RequestRefused(f"{each!r} is no mail address", str(err)) from None
    if not 1 <= len(found) <= MOST_RECIPIENTS:
        raise RequestRefused(f"there are {len(found)} recipients", f"give 1 to {MOST_RECIPIENTS}")
    return found


def _address(text: str) -> str:
    """Return an address as one mailbox has it: the case of its domain does not count, and that of what is before it may."""
    name, at, domain = text.rpartition("@")
    return f"{name}{at}{domain.lower()}"
