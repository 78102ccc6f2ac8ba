"""The program ``telemetry-pipeline``: which commands there are, and how errors and exit statuses look."""

from __future__ import annotations

import os
import select
import sys
import traceback
from collections.abc import Sequence

import click

from telemetry_pipeline.cli.exits import EXIT_CANCELLED, EXIT_FAILED, EXIT_USAGE
from telemetry_pipeline.cli.lazy import CommandGroup, Invocation, LazyGroup, PipeBroke, debug_option
from telemetry_pipeline.cli.saying import say_lines
from telemetry_pipeline.errors import Cancelled, TelemetryError

_CLI = "telemetry_pipeline.cli"
COMMANDS = {
    "up": f"{_CLI}.local.commands",
    "run": f"{_CLI}.launching.commands",
    "show": f"{_CLI}.showing.commands",
    "report": f"{_CLI}.reporting.commands",
    "subscriptions": f"{_CLI}.reporting.commands",
    "deliveries": f"{_CLI}.reporting.commands",
    "status": f"{_CLI}.operating.commands",
    "runs": f"{_CLI}.steering.commands",
    "cancel": f"{_CLI}.steering.commands",
    "repeat": f"{_CLI}.steering.commands",
    "queue": f"{_CLI}.steering.commands",
    "workers": f"{_CLI}.steering.commands",
    "logs": f"{_CLI}.operating.commands",
    "dead-letters": f"{_CLI}.operating.commands",
    "doctor": f"{_CLI}.operating.commands",
    "demo": f"{_CLI}.local.commands",
    "watch": f"{_CLI}.operating.commands",
    "migrate": f"{_CLI}.operating.commands",
    "adopt": f"{_CLI}.operating.commands",
    "cursor": f"{_CLI}.operating.commands",
    "users": f"{_CLI}.admitting.commands",
    "tokens": f"{_CLI}.admitting.commands",
    "web": f"{_CLI}.local.commands",
    "webserver": f"{_CLI}.local.commands",
    "simulator": f"{_CLI}.local.commands",
    "env": f"{_CLI}.local.commands",
    "dagster": f"{_CLI}.local.commands",
}
"""The commands in the order in which help shows them, and which module declares each."""

EXTRAS = {"httptools": "local", "uvloop": "local"}
"""Which extra brings a module that a command imports; what ``up`` starts says so itself."""


@click.group(
    name="telemetry-pipeline",
    cls=LazyGroup,
    modules=COMMANDS,
    params=[debug_option()],
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
        return _fail(err.problem, EXIT_FAILED, invocation, err.advice)
    except Exception as raised:  # noqa: BLE001 - the program ends here
        cause = raised.__cause__ if isinstance(raised, PipeBroke) and raised.__cause__ else raised
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
    """Return whether nobody reads standard output any more, as after ``| head``."""
    poll = select.poll()
    poll.register(sys.stdout, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def _fail(message: str, status: int, invocation: Invocation, advice: str = "") -> int:
    if invocation.debug:
        say_lines(traceback.format_exc().rstrip(), err=True)
    say_lines(f"error: {message}", err=True)
    if advice:
        say_lines(f"-> {advice}", err=True)
    return status


def _usage_message(err: click.UsageError) -> str:
    message = err.format_message().replace("\n", " ")
    if isinstance(err, click.exceptions.NoArgsIsHelpError):
        known = err.ctx.command.commands if err.ctx and isinstance(err.ctx.command, CommandGroup) else COMMANDS
        return f"a command is missing; there are {', '.join(known)}"
    path = err.ctx.command_path if err.ctx else "telemetry-pipeline"
    return f"{message} See '{path} --help'."
