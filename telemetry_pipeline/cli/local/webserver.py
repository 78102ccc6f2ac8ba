"""``telemetry-pipeline webserver``: the web UI and GraphQL, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from telemetry_pipeline.orchestration.runtime.webserver import serve
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.environment import FILES


def webserver(workspace: Path | None, host: str, port: int, path_prefix: str, read_only: bool) -> None:
    """Serve the web UI and GraphQL until SIGTERM or Ctrl-C."""
    workspace = workspace or FILES / "workspace.yaml"
    if not workspace.is_file():
        raise click.BadParameter(f"There is no file {workspace}.", param_hint="'--workspace'")
    settings = StackSettings.load()
    urls = [url for url in (settings.web_url, settings.webserver_url, *settings.other_web_urls.split()) if url]
    log_format = "json" if settings.log_format == "json" else "colored"
    serve(workspace, host=host, port=port, urls=urls, prefix=path_prefix, read_only=read_only, log_format=log_format)
