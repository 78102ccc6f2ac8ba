"""``telemetry-pipeline subscriptions``: who gets which report by mail."""

from __future__ import annotations

from dataclasses import asdict

from telemetry_pipeline.cli.admitting.users import at_the_machine, warehouse
from telemetry_pipeline.cli.output import print_table, to_json
from telemetry_pipeline.cli.saying import say, say_lines
from telemetry_pipeline.cli.target import find_stack
from telemetry_pipeline.reports.publishing.subscribing import subscribe
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.outgoing import subscriptions


def add(name: str, recipients: tuple[str, ...], formats: tuple[str, ...], channel: str) -> None:
    """Have a report sent to somebody whenever it is due."""
    with warehouse().begin() as connection:
        added = subscribe(connection, at_the_machine(), name, channel, formats, recipients)
    say(f"subscription {added.subscription_id}: {', '.join(added.recipients)} get {name} as {', '.join(added.formats)}")
    settings = StackSettings.load()
    stack = find_stack(settings)
    if stack is not None and not stack.sends_mail:
        say("the stack runs without SMTP_URL: nothing is sent until it is started with one")
    elif stack is None and settings.smtp_url is None:
        say("SMTP_URL is empty here: nothing is sent unless the process that watches has it")


def end(number: int) -> None:
    """End a subscription."""
    with warehouse().begin() as connection:
        subscriptions.end(connection, at_the_machine(), number)
    say(f"subscription {number} has ended")


def show(form: str) -> None:
    """List those that go on."""
    with warehouse().connect() as connection:
        found = subscriptions.find_open(connection)
    if form == "json":
        say_lines(to_json({**asdict(each), "created_at": each.created_at.isoformat()} for each in found))
    elif not found:
        say("none")
    else:
        rows = [
            (
                each.subscription_id,
                each.report,
                each.channel,
                ", ".join(each.formats),
                ", ".join(each.recipients),
                each.created_by,
            )
            for each in found
        ]
        print_table(("number", "report", "channel", "formats", "recipients", "by"), rows)
