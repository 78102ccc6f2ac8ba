"""``telemetry-pipeline up``: the local stack in the foreground until Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import click

from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack


def up(simulator: bool, port: int | None, workers: int, **simulated: Any) -> None:
    """Start the stack, and keep it up until Ctrl-C."""
    settings = StackSettings.load()
    chosen = {name: value for name, value in simulated.items() if value is not None}
    if chosen and (settings.panaccess_url or not simulator):
        reason = "PANACCESS_URL is set" if settings.panaccess_url else "--no-simulator"
        raise click.UsageError(f"--{min(chosen).replace('_', '-')} is for the simulator, which does not run ({reason}).")
    options = replace(SimulatorOptions(), **chosen) if simulator else None
    with Stack(settings, simulator=options, web_port=port, workers=workers, say=say) as stack:
        say("Ctrl-C stops everything")
        stack.supervise()
