"""``telemetry-pipeline simulator``: the stand-in for PanAccess, in the foreground."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import click

from telemetry_pipeline.simulator.options import Options
from telemetry_pipeline.simulator.records.export_file import BadExport
from telemetry_pipeline.simulator.server import serve


def simulator(end: datetime | None, records: Path | None, **options: object) -> None:
    """Serve the simulated PanAccess until Ctrl-C."""
    try:
        serve(Options(end=end, records=records, **options))  # type: ignore[arg-type]
    except BadExport as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {options['host']}:{options['port']}: {error.strerror or error}"
        ) from error
