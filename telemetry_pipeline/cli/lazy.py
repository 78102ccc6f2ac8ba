"""Commands whose work is imported when they run, so that help starts at once.

A room's module ``commands`` declares what a person may type, and imports nothing slow. The module that does the work imports
whatever it needs at its top.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import click

from telemetry_pipeline.suggestions import instead


@dataclass
class Invocation:
    """What holds for one call of the program, whatever the command."""

    debug: bool = False


class LazyCommand(click.Command):
    """A command that another module carries out.

    :param work: ``module:function``; the function takes the parameters by name and returns the exit status, or None for 0.
    """

    def __init__(
        self,
        name: str,
        work: str,
        *,
        short_help: str,
        help: str,
        params: Sequence[click.Parameter] = (),
        context_settings: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(
            name, callback=self._do, short_help=short_help, help=help, params=[*params], context_settings=context_settings
        )
        self.work = work

    def _do(self, **parameters: Any) -> int | None:
        module, _, function = self.work.partition(":")
        status: int | None = getattr(import_module(module), function)(**parameters)
        return status


class CommandGroup(click.Group):
    """A command that has commands of its own, each with ``--debug``."""

    def __init__(self, name: str, *, short_help: str, help: str, commands: Sequence[LazyCommand]) -> None:
        super().__init__(name, short_help=short_help, help=help, commands=[*commands])
        for command in commands:
            command.params.append(debug_option())

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names, in the order in which they are declared."""
        return list(self.commands)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments begin with.

        :raises click.UsageError: there is none; says what may have been meant.
        """
        if args[0] not in self.commands and not args[0].startswith("-"):
            raise click.UsageError(f"There is no command {args[0]!r}; {instead(args[0], self.commands)}", ctx)
        return super().resolve_command(ctx, args)


class LazyGroup(click.Group):
    """A group that imports the declaration of a command when it is needed, and gives every command ``--debug``.

    :param modules: by the name of a command, the module that declares it, under that name.
    """

    def __init__(self, *arguments: Any, modules: Mapping[str, str], **extra: Any) -> None:
        super().__init__(*arguments, **extra)
        self._modules = modules

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Make the context as click does; help is printed in here."""
        try:
            return super().make_context(*arguments, **extra)
        except BrokenPipeError as err:
            raise PipeBroke from err

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command as click does."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError as err:
            raise PipeBroke from err

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """Return the names, in the order in which help shows them."""
        return list(self._modules)

    def resolve_command(self, ctx: click.Context, args: list[str]) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the arguments begin with.

        :raises click.UsageError: there is none; says what may have been meant.
        """
        name = args[0]
        if name not in self._modules and not name.startswith("-"):
            raise click.UsageError(f"There is no command {name!r}; {instead(name, self._modules)}", ctx)
        return super().resolve_command(ctx, args)

    def get_command(self, _ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of that name, with ``--debug``."""
        if cmd_name not in self._modules:
            return None
        command: click.Command = getattr(import_module(self._modules[cmd_name]), cmd_name.replace("-", "_"))
        if not any(parameter.name == "debug" for parameter in command.params):
            command.params.append(debug_option())
        return command


class PipeBroke(Exception):
    """What a ``BrokenPipeError`` is wrapped in, for click ends the program with status 1 at one, whatever pipe it was."""


def debug_option() -> click.Option:
    """Return the option ``--debug``, wherever it stands."""
    return click.Option(
        ["--debug"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        callback=_turn_on_debug,
        help="Show the traceback of an error.",
    )


def _turn_on_debug(context: click.Context, _parameter: click.Parameter, value: bool) -> None:
    if value:
        context.ensure_object(Invocation).debug = True
