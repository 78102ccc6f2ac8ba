"""The commands about who may come in, as a person types them. What they do is in the modules of their names."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.lazy import CommandGroup, LazyCommand

# Those of telemetry_pipeline.warehouse.access.role, which would take SQLAlchemy along.
ROLES = ("viewer", "operator")

_USERS = "telemetry_pipeline.cli.admitting.users"
_TOKENS = "telemetry_pipeline.cli.admitting.tokens"
_FORMAT = click.Option(
    ["--format", "form"],
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people (table), or for programs.",
)


def _name() -> click.Argument:
    return click.Argument(["name"])


def _role() -> list[click.Parameter]:
    return [
        click.Option(["--role"], type=click.Choice(ROLES), required=True, help="Viewers see, operators change things, too."),
        click.Option(["--personal"], is_flag=True, help="Let a viewer see columns that name subscribers; operators do anyway."),
    ]


users = CommandGroup(
    "users",
    short_help="Who may log in at the front door, and as what.",
    help="""Who may log in at the front door, and as what.

    A change of the password or the role, and disabling, end the sessions of a user at once.
    """,
    commands=[
        LazyCommand(
            "add",
            f"{_USERS}:add",
            short_help="Add a user; asks for the password.",
            help="Add a user. The password is asked for twice, or is the first line of standard input.",
            params=[_name(), *_role()],
        ),
        LazyCommand(
            "password",
            f"{_USERS}:password",
            short_help="Give a user another password.",
            help="Give a user another password. It is asked for twice, or is the first line of standard input.",
            params=[_name()],
        ),
        LazyCommand(
            "role",
            f"{_USERS}:role",
            short_help="Say anew what a user may do.",
            help="Say anew what a user may do.",
            params=[_name(), *_role()],
        ),
        LazyCommand(
            "disable",
            f"{_USERS}:disable",
            short_help="Shut a user out.",
            help="Shut a user out, until somebody enables it.",
            params=[_name()],
        ),
        LazyCommand(
            "enable",
            f"{_USERS}:enable",
            short_help="Let a disabled user in again.",
            help="Let a disabled user in again, or one who waits after too many wrong passwords.",
            params=[_name()],
        ),
        LazyCommand(
            "list",
            f"{_USERS}:show",
            short_help="List all users.",
            help="List all users, with what they may do.",
            params=[_FORMAT],
        ),
    ],
)

tokens = CommandGroup(
    "tokens",
    short_help="What programs show at the front door.",
    help="What programs show at the front door, as 'Authorization: Bearer TOKEN'.",
    commands=[
        LazyCommand(
            "add",
            f"{_TOKENS}:add",
            short_help="Make a token and print it, once.",
            help="Make a token and print it alone. It is stored as a hash: nobody can print it again.",
            params=[_name(), *_role()],
        ),
        LazyCommand(
            "revoke",
            f"{_TOKENS}:revoke",
            short_help="Have a token open nothing any more.",
            help="Have a token open nothing any more, for good.",
            params=[_name()],
        ),
        LazyCommand(
            "list",
            f"{_TOKENS}:show",
            short_help="List all tokens, and when they were used.",
            help="List all tokens, revoked ones too, and when they were used.",
            params=[_FORMAT],
        ),
    ],
)
