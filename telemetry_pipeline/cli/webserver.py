"""``telemetry-pipeline webserver``: the web UI and GraphQL, in the foreground."""

from __future__ import annotations

from pathlib import Path

import click

from telemetry_pipeline.stack.environment import FILES


def _prefix(_context: click.Context, _parameter: click.Parameter, value: str) -> str:
    if value and (not value.startswith("/") or value.endswith("/")):
        raise click.BadParameter(f"{value!r} is no path such as /telemetry.")
    return value


@click.command("webserver", short_help="Serve Dagster's web UI and GraphQL, guarded.")
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    default=FILES / "workspace.yaml",
    show_default="the project's own",
    help="Dagster's file that says where the code is.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port.")
@click.option("--path-prefix", default="", callback=_prefix, help="Path under which a proxy has it, such as /telemetry.")
@click.option("--read-only", is_flag=True, help="Launch and change nothing.")
def webserver(workspace: Path, host: str, port: int, path_prefix: str, read_only: bool) -> None:
    """Serve Dagster's web UI and GraphQL until SIGTERM or Ctrl-C.

    It lets in programs, and pages of its own: WEB_URL, WEBSERVER_URL and OTHER_WEB_URLS say how it is called besides 127.0.0.1.
    It has no log-in.
    """
    if not workspace.is_file():
        raise click.BadParameter(f"There is no file {workspace}.", param_hint="'--workspace'")
    from telemetry_pipeline.orchestration.runtime.webserver import serve
    from telemetry_pipeline.settings.loading import StackSettings

    settings = StackSettings.load()
    urls = [url for url in (settings.web_url, settings.webserver_url, *settings.other_web_urls.split()) if url]
    log_format = "json" if settings.log_format == "json" else "colored"
    serve(workspace, host=host, port=port, urls=urls, prefix=path_prefix, read_only=read_only, log_format=log_format)
