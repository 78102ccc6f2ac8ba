"""The server that the front door runs in."""

from __future__ import annotations

import gc
import logging

import uvicorn

from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.web.app import create_app
from telemetry_pipeline.web.frame.templating import compile_all

_GRACE_SECONDS = 5

_logger = logging.getLogger(__name__)


def serve(settings: DoorSettings, *, host: str, port: int) -> None:
    """Serve until SIGTERM or SIGINT; who is being answered then has a few seconds."""
    _logger.info("Serving on %s, port %s", host, port)
    app = create_app(settings)
    compile_all()
    # What is there now stays; a collection that looked through all of it would stop everybody for a quarter of a second.
    gc.collect()
    gc.freeze()
    uvicorn.run(
        app,
        host=host,
        port=port,
        log_level="warning",
        log_config=None,
        server_header=False,
        # The application itself knows which proxies it believes.
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
