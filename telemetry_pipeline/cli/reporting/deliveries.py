"""``telemetry-pipeline deliveries``: what was sent to whom and how it went; and what failed, once more."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import click

from telemetry_pipeline.cli.admitting.users import at_the_machine, warehouse
from telemetry_pipeline.cli.output import print_table, to_json
from telemetry_pipeline.cli.saying import say, say_lines
from telemetry_pipeline.moments import bare_moment, times_in
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Delivery


def deliveries(failed: bool, again: int | None, lines: int, form: str) -> None:
    """List what was sent, or have one message sent again."""
    if again is not None:
        if failed:
            raise click.UsageError("Give either --failed or --again.")
        with warehouse().begin() as connection:
            outbox.send_again(connection, at_the_machine(), again)
        say(f"message {again} is sent again")
        return
    zone = StackSettings.load().operator_zone
    with warehouse().connect() as connection:
        found = outbox.find_newest(connection, lines, failed_only=failed)
    if form == "json":
        say_lines(to_json(_plain(each, zone) for each in found))
    elif not found:
        say("none")
    else:
        print_table(
            ("id", "when", "to", "subject", "state", "tries", "outcome"),
            [_row(each, zone) for each in found],
            times_in(zone),
            prose=True,
        )


def _plain(delivery: Delivery, zone: ZoneInfo) -> dict[str, Any]:
    values = asdict(delivery)
    return {
        name: value.astimezone(zone).isoformat() if isinstance(value, datetime) else value for name, value in values.items()
    }


def _row(delivery: Delivery, zone: ZoneInfo) -> tuple[object, ...]:
    when = bare_moment(delivery.settled_at or delivery.created_at, zone)
    outcome = delivery.outcome
    if delivery.state == "waiting" and delivery.tries:
        outcome = f"tried again at {bare_moment(delivery.not_before, zone)}: {outcome}"
    # As text: a number would be written with separators, and be no number to give.
    return (str(delivery.message_id), when, delivery.recipient, delivery.subject, delivery.state, delivery.tries, outcome)
