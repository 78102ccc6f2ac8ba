"""``telemetry-pipeline watch``."""

from __future__ import annotations

import click


@click.command("watch", short_help="Not built yet.")
def watch() -> None:
    """Not built yet."""
