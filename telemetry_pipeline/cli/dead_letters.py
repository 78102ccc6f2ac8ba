"""``telemetry-pipeline dead-letters``."""

from __future__ import annotations

import click


@click.command("dead-letters", short_help="Not built yet.")
def dead_letters() -> None:
    """Not built yet."""
