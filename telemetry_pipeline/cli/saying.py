"""How a command says something. Nothing in here or in ``output`` reaches the screen as it came from elsewhere, and no command
prints in another way: a lint rule sees to that.
"""

from __future__ import annotations

import click

from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.printable import printable

Part = str | tuple[str, str | None]
"""A text, or one with how it looks on a terminal: a colour, ``dim``, or nothing."""


def say(*parts: Part, err: bool = False) -> None:
    """Print one line, whatever is in it.

    :param err: on standard error.
    """
    click.echo("".join(_shown(part) for part in parts), err=err)


def say_lines(text: str, *, err: bool = False) -> None:
    """Print a text whose line ends are ours."""
    for line in text.split("\n"):
        say(line, err=err)


def say_problem(what: str, err: TelemetryError) -> None:
    """Print what does not work and why, and below it what to do about it, in the columns of ``status``."""
    say(f"{what:15}{err.problem}")
    say_advice(err.advice, indent=15)


def say_advice(advice: str, *, indent: int = 0, err: bool = False) -> None:
    """Print what to do about what was said above, if anything is known."""
    if advice:
        say(f"{' ' * indent}-> {advice}", err=err)


def hand_over(data: bytes) -> None:
    """Write what is in its form already, such as JSON or CSV, to standard output."""
    click.echo(data, nl=False)


def _shown(part: Part) -> str:
    text, look = (part, None) if isinstance(part, str) else part
    if look is None:
        return printable(text)
    return click.style(printable(text), dim=True) if look == "dim" else click.style(printable(text), fg=look)
