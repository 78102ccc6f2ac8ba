"""``telemetry-pipeline logs``."""

from __future__ import annotations

import click


@click.command("logs", short_help="Not built yet.")
def logs() -> None:
    """Not built yet."""
