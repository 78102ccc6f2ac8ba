"""``telemetry-pipeline users``: who may log in at the front door, and as what."""

from __future__ import annotations

import getpass
import sys
from dataclasses import asdict

import click
import sqlalchemy as sa

from telemetry_pipeline.cli.output import print_table, to_json
from telemetry_pipeline.cli.saying import say, say_lines
from telemetry_pipeline.cli.target import database_url
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.moments import bare_moment, times_in
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.access import users
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.db.connections import connect


def warehouse() -> sa.Engine:
    """Return where users are."""
    return connect(database_url(StackSettings.load()))


def at_the_machine() -> Actor:
    """Return who types, as the audit has them."""
    return Actor(getpass.getuser(), "command")


def add(name: str, role: str, personal: bool) -> None:
    """Add a user."""
    engine, word = warehouse(), _password()
    with engine.begin() as connection:
        name = users.add(connection, at_the_machine(), name, word, Role(role), personal=personal)
    say(f"{name} may log in as {role}")


def password(name: str) -> None:
    """Give a user another password."""
    engine, word = warehouse(), _password()
    with engine.begin() as connection:
        users.set_password(connection, at_the_machine(), name, word)
    say(f"{name} has another password, and is logged out everywhere")


def role(name: str, role: str, personal: bool) -> None:
    """Say anew what a user may do."""
    with warehouse().begin() as connection:
        users.set_role(connection, at_the_machine(), name, Role(role), personal=personal)
    say(f"{name} is {role} from the next log-in on")


def disable(name: str) -> None:
    """Shut a user out."""
    with warehouse().begin() as connection:
        users.set_disabled(connection, at_the_machine(), name, True)
    say(f"{name} is shut out")


def enable(name: str) -> None:
    """Let a user in again."""
    with warehouse().begin() as connection:
        users.set_disabled(connection, at_the_machine(), name, False)
    say(f"{name} may log in")


def show(form: str) -> None:
    """List all users."""
    zone = StackSettings.load().operator_zone
    with warehouse().connect() as connection:
        found = users.find_all(connection)
    if form == "json":
        say_lines(to_json({key: moment(value) for key, value in asdict(user).items()} for user in found))
    elif not found:
        say("none")
    else:
        rows = [
            (
                user.name,
                str(user.role),
                sees_persons(user.role, user.personal),
                bare_moment(user.created_at, zone),
                user.disabled_at and bare_moment(user.disabled_at, zone),
            )
            for user in found
        ]
        print_table(["name", "role", "personal", "since", "disabled"], rows, times_in(zone))


def sees_persons(role: Role, personal: bool) -> str:
    """Return whether columns that name subscribers are shown, in a word."""
    return "yes" if personal or role is Role.OPERATOR else "no"


def moment(value: object) -> object:
    """Return a value as JSON has it."""
    return value.isoformat() if hasattr(value, "isoformat") else value


def _password() -> str:
    """Return what a person types twice, or a program sends in a line."""
    if sys.stdin.isatty():
        typed: str = click.prompt("Password", hide_input=True, confirmation_prompt="The same again", err=True)
        return typed
    if not (line := sys.stdin.readline().rstrip("\r\n")):
        raise RequestRefused("standard input has no password", "send it in a line, or type it at a terminal")
    return line
