"""The command ``telemetry-pipeline``: which commands there are, and how errors and exit statuses look.

A command's module is imported when the command is asked for, and imports what is slow inside the function, so that
``--help`` and ``simulator`` start at once.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from telemetry_pipeline.cli.saying import say_lines
from telemetry_pipeline.errors import Cancelled, TelemetryError
from telemetry_pipeline.suggestions import instead

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
    "adopt": "telemetry_pipeline.cli.adopt",
    "cursor": "telemetry_pipeline.cli.cursor",
    "webserver": "telemetry_pipeline.cli.webserver",
    "simulator": "telemetry_pipeline.cli.simulator",
}

EXTRAS = {"httptools": "local", "uvloop": "local", "xlsxwriter": "reports"}
"""Which extra brings a module that a command imports; what ``up`` starts says so itself."""


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


class _PipeBroke(Exception):
    """What a ``BrokenPipeError`` is wrapped in, for click ends the program with status 1 at one, whatever pipe it was."""


class LazyGroup(click.Group):
    """A group that imports a command's module when it is needed, and gives every command ``--debug``."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """As click does it; help is printed in here."""
        try:
            return super().make_context(*arguments, **extra)
        except BrokenPipeError as err:
            raise _PipeBroke from err

    def invoke(self, ctx: click.Context) -> Any:
        """As click does it; the command runs in here."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as err:
            raise _PipeBroke from err

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """The names, in the order in which help shows them."""
        return list(COMMANDS)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments begin with.

        :raises click.UsageError: there is none; says what may have been meant.
        """
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            raise click.UsageError(f"There is no command {name!r}; {instead(name, COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

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
    except Exception as raised:  # noqa: BLE001 - the program ends here
        cause = raised.__cause__ if isinstance(raised, _PipeBroke) and raised.__cause__ else raised
        if isinstance(cause, BrokenPipeError) and _reader_left():
            # Python would complain when it flushes at exit.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return 0
        if isinstance(cause, ModuleNotFoundError) and cause.name in EXTRAS:
            needed = f"pip install 'telemetry-pipeline[{EXTRAS[cause.name]}]'"
            return _fail(f"this needs {cause.name}: {needed}", EXIT_FAILED, invocation)
        hint = "" if invocation.debug else " (--debug shows where)"
        return _fail(f"unexpected {type(cause).__name__}: {cause}{hint}", EXIT_FAILED, invocation)
    return status if isinstance(status, int) else 0


def _reader_left() -> bool:
    """Whether nobody reads standard output any more, as after ``| head``."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _fail(message: str, status: int, invocation: Invocation) -> int:
    if invocation.debug:
        say_lines(traceback.format_exc().rstrip(), err=True)
    say_lines(f"error: {message}", err=True)
    return status


def _usage_message(err: click.UsageError) -> str:
    message = err.format_message().replace("\n", " ")
    if isinstance(err, click.exceptions.NoArgsIsHelpError):
        return f"a command is missing; there are {', '.join(COMMANDS)}"
    path = err.ctx.command_path if err.ctx else "telemetry-pipeline"
    return f"{message} See '{path} --help'."
