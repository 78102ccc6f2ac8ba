"""Dagster at ``/dagster`` and Flower at ``/flower``: who gets to which server, and what is put on record."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

from starlette.authentication import AuthenticationBackend
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from telemetry_pipeline.errors import WebserverUnavailable
from telemetry_pipeline.sockets import DAGSTER_PATH, FLOWER, FLOWER_PATH, OPERATORS, VIEWERS
from telemetry_pipeline.web.proxy import rules, subscriptions
from telemetry_pipeline.web.proxy.backend import Away, Backend
from telemetry_pipeline.web.proxy.graphql import NotGraphQL, read

_MOST_BYTES = 5_000_000
_LOOK_SECONDS = 3.0

Record = Callable[[HTTPConnection, str, Mapping[str, Any]], Awaitable[None]]
"""Puts on record who does something, what, and what it is about."""


def routes(
    sockets: Path, authentication: AuthenticationBackend, record: Record, look_seconds: float = _LOOK_SECONDS
) -> list[BaseRoute]:
    """Both.

    :param sockets: directory of the sockets behind the door.
    :param authentication: asked again and again who has a WebSocket open.
    :param look_seconds: how often.
    """
    dagster = Dagster(sockets, authentication, record, look_seconds)
    return [Mount(DAGSTER_PATH, dagster), Mount(FLOWER_PATH, Flower(sockets))]


class Dagster:
    """Its full web server for operators, its read-only one for viewers."""

    def __init__(self, sockets: Path, authentication: AuthenticationBackend, record: Record, look_seconds: float) -> None:
        self._operators = Backend.at("Dagster", sockets / OPERATORS)
        self._viewers = Backend.at("Dagster", sockets / VIEWERS)
        self._authentication = authentication
        self._record = record
        self._look_seconds = look_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or carry one WebSocket.

        :raises HTTPException: it may not pass.
        :raises WebserverUnavailable: the server is away.
        """
        _admit(scope, "viewer", rules.dagster(scope))
        operates = "operator" in scope["auth"].scopes
        backend = self._operators if operates else self._viewers
        try:
            if scope["type"] == "websocket":
                await subscriptions.join(backend.socket, WebSocket(scope, receive, send), self._lasts, self._look_seconds)
            elif scope["path"] == rules.GRAPHQL_PATH:
                body = await _body(Request(scope, receive))
                await self._look(scope, body, operates)
                await backend.hand_on(scope, body, send)
            else:
                await backend.hand_on(scope, None, send)
        except Away as err:
            raise _unavailable(backend, err) from err

    async def _look(self, scope: Scope, body: bytes, operates: bool) -> None:
        """See what a request would change, and put it on record before it does."""
        try:
            found = read(body)
        except NotGraphQL as err:
            raise HTTPException(400, str(err)) from None
        if not found.matter:
            return
        if not operates:
            raise HTTPException(403, "Viewers change nothing.")
        await self._record(HTTPConnection(scope), "dagster", {"mutations": list(found.mutations), "about": dict(found.about)})

    async def _lasts(self, connection: HTTPConnection) -> bool:
        found = await self._authentication.authenticate(connection)
        return found is not None and found[1] == connection.user


class Flower:
    """For operators."""

    def __init__(self, sockets: Path) -> None:
        self._backend = Backend.at("Flower", sockets / FLOWER)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        :raises HTTPException: it may not pass.
        :raises WebserverUnavailable: the server is away.
        """
        _admit(scope, "operator", rules.flower(scope))
        body = await _body(Request(scope, receive)) if scope["method"] == "POST" else None
        try:
            await self._backend.hand_on(scope, body, send)
        except Away as err:
            raise _unavailable(self._backend, err) from err


def _admit(scope: Scope, whom: str, refusal: rules.Refusal | None) -> None:
    """Who asks is looked at first: what there is, is nothing for others."""
    if whom not in scope["auth"].scopes:
        raise HTTPException(403 if scope["user"].is_authenticated else 401)
    if refusal is not None:
        raise HTTPException(refusal.status, refusal.problem)


async def _body(request: Request) -> bytes:
    """All of it.

    :raises HTTPException: there is too much of it.
    """
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, f"At most {_MOST_BYTES:,} bytes are taken.")
    return bytes(body)


def _unavailable(backend: Backend, err: Away) -> WebserverUnavailable:
    if err.late:
        return WebserverUnavailable(f"{backend.name} did not answer in time", "see whether it did what it was asked for")
    return WebserverUnavailable(f"{backend.name} does not run at the moment", "it is started again by itself: try it in a moment")
