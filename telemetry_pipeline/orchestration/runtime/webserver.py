"""Dagster's web server behind our guard, in one process: there is no port without it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.version import __version__

from telemetry_pipeline.orchestration.runtime.graphql_launches import Webserver
from telemetry_pipeline.orchestration.runtime.guard import Guard

# As dagster-webserver has them: a query of the UI takes no longer, and connections are kept for an hour.
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3_600
_POOL_MAX_OVERFLOW = 20
_LIVE_DATA_POLL_MS = 2_000


def serve(
    workspace: Path, *, host: str, port: int, urls: Iterable[str], prefix: str = "", read_only: bool = False, log_format: str
) -> None:
    """Serve until SIGTERM or SIGINT.

    :param urls: where people and programs reach it, besides the loopback.
    :param prefix: path under which it is, as ``/telemetry``; empty for none.
    :param log_format: ``colored`` or ``json``.
    """
    configure_loggers(formatter=log_format, log_level="INFO")
    logger = logging.getLogger("dagster.webserver")
    logging.getLogger("uvicorn").handlers = logging.getLogger("dagster").handlers
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW)
        target = WorkspaceFileTarget(paths=[str(workspace)])
        with WorkspaceProcessContext(instance, target, version=__version__, read_only=read_only) as context:
            app = Webserver(context, prefix, _LIVE_DATA_POLL_MS).create_asgi_app()
            guarded = Guard(app, urls=urls, prefix=prefix)
            logger.info("Serving on %s, port %s, with %s as path", host, port, prefix or "/")
            uvicorn.run(guarded, host=host, port=port, log_level="warning", log_config=None, server_header=False)
