"""``telemetry-pipeline webserver``: Dagster's web UI and GraphQL, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from telemetry_pipeline.orchestration.runtime.webserver import serve
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.environment import FILES
from telemetry_pipeline.stack.processes.service import private_directory


def webserver(workspace: Path | None, directory: Path | None) -> None:
    """Serve the web UI and GraphQL until SIGTERM or Ctrl-C."""
    workspace = workspace or FILES / "workspace.yaml"
    if not workspace.is_file():
        raise click.BadParameter(f"There is no file {workspace}.", param_hint="'--workspace'")
    settings = StackSettings.load()
    directory = (directory or settings.dagster_directory).expanduser().resolve()
    directory.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    private_directory(directory, None)
    serve(workspace, directory, log_format="json" if settings.log_format == "json" else "colored")
