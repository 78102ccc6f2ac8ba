"""The server that the front door runs in."""

from __future__ import annotations

import logging

import uvicorn

from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.app import create_app

_GRACE_SECONDS = 5

_logger = logging.getLogger(__name__)


def serve(settings: DoorSettings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; who is being answered then has a few seconds."""
    _logger.info("Serving on %s, port %s", host, port)
    uvicorn.run(
        create_app(settings),
        host=host,
        port=port,
        log_level="warning",
        log_config=None,
        server_header=False,
        # The application itself knows which proxies it believes.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
