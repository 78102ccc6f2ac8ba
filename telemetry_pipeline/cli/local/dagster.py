"""``telemetry-pipeline env`` and ``dagster``: the pipeline here for other programs, Dagster's own commands among them."""

from __future__ import annotations

import os
import shlex
import sys

from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.target import complete, find_stack
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.environment import environment
from telemetry_pipeline.stack.preparing import write_dagster_home

_PROCESS = "code-server"
"""Whose secrets are given: those that the definitions, and what they launch, work with."""


def env() -> None:
    """Print it for a shell."""
    for name, value in sorted(_here().items()):
        if os.environ.get(name) != value:
            say(f"export {name}={shlex.quote(value)}")


def dagster(arguments: tuple[str, ...]) -> None:
    """Become Dagster's command."""
    os.execve(sys.executable, [sys.executable, "-m", "dagster", *arguments], {**os.environ, **_here()})


def _here() -> dict[str, str]:
    """Return the environment of who works with the pipeline here.

    :raises SettingsError: no stack runs here, and the settings do not name every server.
    """
    settings = StackSettings.load()
    stack = find_stack(settings)
    found = complete(settings, stack).complete()
    if stack is None:
        found.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_dagster_home(found.home)
    named = {"DAGSTER_MODULE_NAME": "telemetry_pipeline.definitions"}
    if stack is None:
        return environment(_PROCESS, found) | named
    return environment(_PROCESS, found, web_url=stack.web_url) | named | {"TELEMETRY_TOKEN": stack.web_token}
