"""``telemetry-pipeline up``: the local stack in the foreground until Ctrl-C."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.simulator import parse_rate


@click.command("up", short_help="Start the local stack and keep it up.")
@click.option(
    "--simulator/--no-simulator",
    default=True,
    show_default=True,
    help="Let a simulator stand in for PanAccess while PANACCESS_URL is not set.",
)
@click.option("--port", type=click.IntRange(1, 65535), help="Port of the web UI.  [default: 3000, or any if taken]")
@click.option("--workers", type=click.IntRange(1), default=2, show_default=True, help="Steps executed at once.")
@click.option("--records-count", type=click.IntRange(1), help="Simulated records.  [default: 400000]")
@click.option("--days", type=click.IntRange(1), help="Days that they are spread over.  [default: 90]")
@click.option(
    "--live",
    metavar="RATE|history",
    callback=parse_rate,
    help="Simulated records a second from now on; or history: as many as before, in their rhythm.  [default: history]",
)
@click.option(
    "--records",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="An export of PanAccess's that the simulator serves instead.",
)
def up(simulator: bool, port: int | None, workers: int, **simulated: Any) -> None:
    """Start PostgreSQL, Valkey, a worker, the web UI, the daemon and a simulator; Ctrl-C stops them.

    Servers that DATABASE_URL and REDIS_URL name are used in place of its own.
    """
    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.stack.services.simulator import SimulatorOptions
    from telemetry_pipeline.stack.stack import Stack

    settings = StackSettings.load()
    chosen = {name: value for name, value in simulated.items() if value is not None}
    if chosen and (settings.panaccess_url or not simulator):
        reason = "PANACCESS_URL is set" if settings.panaccess_url else "--no-simulator"
        raise click.UsageError(f"--{min(chosen).replace('_', '-')} is for the simulator, which does not run ({reason}).")
    options = replace(SimulatorOptions(), **chosen) if simulator else None
    with Stack(settings, simulator=options, web_port=port, workers=workers, say=say) as stack:
        say("Ctrl-C stops everything")
        stack.supervise()
