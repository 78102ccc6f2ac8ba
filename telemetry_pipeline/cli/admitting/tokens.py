"""``telemetry-pipeline tokens``: what programs show at the front door."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from telemetry_pipeline.cli.admitting.users import at_the_machine, moment, sees_persons, warehouse
from telemetry_pipeline.cli.output import print_table, to_json
from telemetry_pipeline.cli.saying import say, say_lines
from telemetry_pipeline.moments import bare_moment, times_in
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.access import tokens
from telemetry_pipeline.warehouse.access.role import Role


def add(name: str, role: str, personal: bool) -> None:
    """Make a token and print it alone."""
    with warehouse().begin() as connection:
        secret = tokens.add(connection, at_the_machine(), name, Role(role), personal=personal)
    say(secret)


def revoke(name: str) -> None:
    """Have it open nothing any more."""
    with warehouse().begin() as connection:
        tokens.revoke(connection, at_the_machine(), name)
    say(f"{name} opens nothing any more")


def show(form: str) -> None:
    """List all tokens."""
    zone = StackSettings.load().operator_zone
    with warehouse().connect() as connection:
        found = tokens.find_all(connection)

    def when(time: datetime | None) -> str | None:
        return None if time is None else bare_moment(time, zone)

    if form == "json":
        say_lines(to_json({key: moment(value) for key, value in asdict(token).items()} for token in found))
    elif not found:
        say("none")
    else:
        rows = [
            (
                token.name,
                str(token.role),
                sees_persons(token.role, token.personal),
                when(token.created_at),
                when(token.last_used_at),
                when(token.revoked_at),
            )
            for token in found
        ]
        print_table(["name", "role", "personal", "since", "last used", "revoked"], rows, times_in(zone))
