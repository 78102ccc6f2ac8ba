"""``telemetry-pipeline web``: the front door, in the foreground."""

from __future__ import annotations

from telemetry_pipeline.logs.setup import configure
from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.serving import serve


def web(host: str, port: int) -> None:
    """Serve the front door until SIGTERM or Ctrl-C."""
    settings = DoorSettings.load()
    configure(settings)
    serve(settings, host=host, port=port)
