"""The command ``telemetry-pipeline``: which commands there are, and how errors and exit statuses look.

A command's module is imported when the command is asked for, and imports what is slow inside the function, so that
``--help`` and ``simulator`` start at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module

import click

from telemetry_pipeline.errors import Cancelled, TelemetryError

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_CANCELLED = 130

COMMANDS = {
    "up": "telemetry_pipeline.cli.up",
    "run": "telemetry_pipeline.cli.run",
    "show": "telemetry_pipeline.cli.show",
    "status": "telemetry_pipeline.cli.status",
    "logs": "telemetry_pipeline.cli.logs",
    "dead-letters": "telemetry_pipeline.cli.dead_letters",
    "doctor": "telemetry_pipeline.cli.doctor",
    "demo": "telemetry_pipeline.cli.demo",
    "watch": "telemetry_pipeline.cli.watch",
    "migrate": "telemetry_pipeline.cli.migrate",
    "simulator": "telemetry_pipeline.cli.simulator",
}


@dataclass
class Invocation:
    """What holds for one call of the program, whatever the command."""

    debug: bool = False


def _turn_on_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).debug = True


def _debug_option() -> click.Option:
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_turn_on_debug,
        help="Show the traceback of an error.",
    )


class LazyGroup(click.Group):
    """A group that imports a command's module when it is needed, and gives every command ``--debug``."""

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order in which help shows them."""
        return list(COMMANDS)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command object that the module of that name defines under that name."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(COMMANDS[cmd_name]), cmd_name.replace("-", "_"))
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(_debug_option())
        return command


@click.group(
    name="telemetry-pipeline",
    cls=LazyGroup,
    params=[_debug_option()],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
)
@click.version_option(package_name="telemetry-pipeline", message="%(version)s")
def cli() -> None:
    """Viewing telemetry: from PanAccess into PostgreSQL, merged and analysed by Dagster over Celery."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the program and return its exit status: 0 done, 1 failed, 2 not understood, 130 cancelled.

    :param arguments: what follows the program's name; default: the process's own arguments.
    """
    invocation = Invocation()
    try:
        status = cli.main(arguments, prog_name="telemetry-pipeline", standalone_mode=False, obj=invocation)
        sys.stdout.flush()
    except click.UsageError as err:
        return _fail(_usage_message(err), EXIT_USAGE, invocation)
    except click.ClickException as err:
        return _fail(err.format_message(), EXIT_FAILED, invocation)
    except (click.Abort, KeyboardInterrupt, Cancelled) as err:
        return _fail(str(err) or "cancelled", EXIT_CANCELLED, invocation)
    except TelemetryError as err:
        return _fail(str(err), EXIT_FAILED, invocation)
    except BrokenPipeError:
        # The reader (head, less) has what it wanted; Python would complain again when it flushes at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as err:  # noqa: BLE001 - the program ends here
        hint = "" if invocation.debug else " (--debug shows where)"
        return _fail(f"unexpected {type(err).__name__}: {err}{hint}", EXIT_FAILED, invocation)
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int, invocation: Invocation) -> int:
    if invocation.debug:
        traceback.print_exc()
    click.echo(f"error: {message}", err=True)
    return status


def _usage_message(err: click.UsageError) -> str:
    message = err.format_message().replace("\n", " ")
    if isinstance(err, click.exceptions.NoArgsIsHelpError):
        return f"a command is missing; there are {', '.join(COMMANDS)}"
    path = err.ctx.command_path if err.ctx else "telemetry-pipeline"
    return f"{message} See '{path} --help'."
