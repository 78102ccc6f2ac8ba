"""Dagster's web server, full and read-only in one process, on Unix sockets alone: who somebody is, the front door asks."""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import uvicorn
from dagster import DagsterInstance
from dagster._core.workspace.context import WorkspaceProcessContext, WorkspaceRequestContext
from dagster._core.workspace.load_target import WorkspaceFileTarget
from dagster._utils.log import configure_loggers
from dagster_webserver.version import __version__
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from telemetry_pipeline.orchestration.runtime.graphql_launches import Webserver
from telemetry_pipeline.sockets import DAGSTER_PATH, OPERATORS, VIEWERS

# As dagster-webserver has them: a query of the UI takes no longer, and connections are kept for an hour.
_STATEMENT_TIMEOUT_MS = 15_000
_POOL_RECYCLE_SECONDS = 3_600
_POOL_MAX_OVERFLOW = 20
_LIVE_DATA_POLL_MS = 2_000
# Longer than the door keeps a connection, so that it never asks by one that ends at that moment.
_KEEP_ALIVE_SECONDS = 75


def serve(workspace: Path, directory: Path, *, log_format: str) -> None:
    """Serve until SIGTERM or SIGINT: to operators at one socket in *directory*, to viewers, who change nothing, at another.

    :param directory: closed to other users, for whoever reaches a socket is let in.
    :param log_format: ``colored`` or ``json``.
    """
    configure_loggers(formatter=log_format, log_level="INFO")
    logger = logging.getLogger("dagster.webserver")
    logging.getLogger("uvicorn").handlers = logging.getLogger("dagster").handlers
    with DagsterInstance.get() as instance:
        instance.optimize_for_webserver(_STATEMENT_TIMEOUT_MS, _POOL_RECYCLE_SECONDS, _POOL_MAX_OVERFLOW)
        target = WorkspaceFileTarget(paths=[str(workspace)])
        operators, viewers = directory / OPERATORS, directory / VIEWERS
        with (
            WorkspaceProcessContext(instance, target, version=__version__) as context,
            _listening(operators) as for_operators,
            _listening(viewers) as for_viewers,
        ):
            full = Webserver(context, DAGSTER_PATH, _LIVE_DATA_POLL_MS)
            apps = {str(operators): full.create_asgi_app(), str(viewers): _ReadOnly(full).create_asgi_app()}
            logger.info("Serving at %s", " and ".join(apps))
            config = uvicorn.Config(
                _BySocket(apps),
                loop="asyncio",  # libuv does not tell by which socket a request came
                timeout_keep_alive=_KEEP_ALIVE_SECONDS,
                log_level="warning",
                log_config=None,
                server_header=False,
            )
            uvicorn.Server(config).run([for_operators, for_viewers])


class _ReadOnly(Webserver):
    """The same for viewers, over the same code and with the same schema: what changes something is not theirs to ask."""

    def __init__(self, full: Webserver) -> None:
        self._full = full
        super().__init__(full._process_context, DAGSTER_PATH, _LIVE_DATA_POLL_MS)

    def build_graphql_schema(self) -> Any:
        """Return the schema of the full one."""
        return self._full._graphene_schema

    def _make_request_context(self, conn: HTTPConnection) -> Any:
        context = self._process_context
        return WorkspaceRequestContext(
            instance=context.instance,
            current_workspace=context.get_current_workspace(),
            process_context=context,
            version=context.version,
            source=conn,
            read_only=True,
        )


class _BySocket:
    """Hands on to the app of the socket that a request came by."""

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._apps[scope["server"][0]](scope, receive, send)


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """Provide a socket for this user alone, in the place of one that an earlier process left."""
    with socket.socket(socket.AF_UNIX) as listener:
        with suppress(FileNotFoundError):
            path.unlink()
        before = os.umask(0o177)
        try:
            listener.bind(str(path))
        finally:
            os.umask(before)
        yield listener
