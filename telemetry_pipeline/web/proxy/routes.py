"""Dagster at ``/dagster`` and Flower at ``/flower``: who gets to which server, and what is put on record."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from starlette.authentication import AuthenticationError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.routing import BaseRoute, Mount
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket

from telemetry_pipeline.errors import WebserverUnavailable
from telemetry_pipeline.sockets import DAGSTER_PATH, FLOWER, FLOWER_PATH, OPERATORS, VIEWERS
from telemetry_pipeline.warehouse.access import audit
from telemetry_pipeline.web.access.authentication import Authentication
from telemetry_pipeline.web.access.door import Door, actor
from telemetry_pipeline.web.frame.problems import problem, problem_of
from telemetry_pipeline.web.proxy import rules, subscriptions
from telemetry_pipeline.web.proxy.backend import Away, Backend
from telemetry_pipeline.web.proxy.graphql import Changes, NotGraphQL, read

_MOST_BYTES = 5_000_000
# How often to look whether who has a WebSocket open may still be here.
_LOOK_SECONDS = 3.0


class Behind:
    """Both.

    :param dagster: directory of its sockets. :param flower: of its one.
    """

    def __init__(self, door: Door, dagster: Path, flower: Path) -> None:
        operators, viewers = (Backend.at("Dagster", dagster / name) for name in (OPERATORS, VIEWERS))
        workers = Backend.at("Flower", flower / FLOWER)
        self._backends = (operators, viewers, workers)
        self._routes = [Mount(DAGSTER_PATH, Dagster(door, operators, viewers)), Mount(FLOWER_PATH, Flower(workers))]

    def routes(self) -> Sequence[BaseRoute]:
        """Return where they are."""
        return self._routes

    async def aclose(self) -> None:
        """End what was not ended of the connections to them."""
        for backend in self._backends:
            await backend.pool.aclose()


class Dagster:
    """Its full web server for operators, its read-only one for viewers."""

    def __init__(self, door: Door, operators: Backend, viewers: Backend) -> None:
        self._operators, self._viewers = operators, viewers
        self._door = door
        self._authentication = Authentication(door)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request, or carry one WebSocket.

        :raises HTTPException: it may not pass.
        :raises WebserverUnavailable: the server is away.
        """
        if scope["type"] == "websocket":
            await self._subscribe(WebSocket(scope, receive, send))
            return
        _admit(scope, "viewer", rules.dagster(scope))
        backend = self._backend(scope)
        body = None
        if scope["path"] == rules.GRAPHQL_PATH:
            body = await _body(Request(scope, receive))
            await self._look(scope, body)
        await _hand_on(backend, scope, body, send)

    async def _subscribe(self, browser: WebSocket) -> None:
        backend = self._backend(browser.scope)
        try:
            _admit(browser.scope, "viewer", rules.dagster(browser.scope))
            await subscriptions.join(backend.socket, browser, self._lasts, _LOOK_SECONDS)
        except HTTPException as err:
            await browser.send_denial_response(problem(browser, err.status_code, err.detail))
        except Away as err:
            await browser.send_denial_response(problem_of(browser, _unavailable(backend, err)))

    def _backend(self, scope: Scope) -> Backend:
        return self._operators if "operator" in scope["auth"].scopes else self._viewers

    async def _look(self, scope: Scope, body: bytes) -> None:
        """See what a request would change, and put it on record before it does."""
        try:
            found = await run_in_threadpool(read, body)
        except NotGraphQL as err:
            raise HTTPException(400, str(err)) from None
        if not found.matter:
            return
        if "operator" not in scope["auth"].scopes:
            raise HTTPException(403, "Viewers change nothing.")
        await run_in_threadpool(self._record, HTTPConnection(scope), found)

    def _record(self, connection: HTTPConnection, found: Changes) -> None:
        with self._door.engine.begin() as transaction:
            audit.write(transaction, actor(connection), "dagster", mutations=list(found.mutations), about=dict(found.about))

    async def _lasts(self, connection: HTTPConnection) -> bool:
        """Return whether they are who they were; not so, while nobody can say it."""
        try:
            found = await self._authentication.authenticate(connection)
        except AuthenticationError:
            return False
        return found is not None and found[1] == connection.user


class Flower:
    """For operators."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        :raises HTTPException: it may not pass.
        :raises WebserverUnavailable: the server is away.
        """
        if scope["type"] == "websocket":
            browser = WebSocket(scope, receive, send)
            await browser.send_denial_response(problem(browser, 404))
            return
        _admit(scope, "operator", rules.flower(scope))
        await _hand_on(self._backend, scope, await _body(Request(scope, receive)) if scope["method"] == "POST" else None, send)


def _admit(scope: Scope, whom: str, refusal: rules.Refusal | None) -> None:
    """Let in who may, and look at who asks first: what there is, is nothing for others."""
    if whom not in scope["auth"].scopes:
        raise HTTPException(403)
    if refusal is not None:
        raise HTTPException(refusal.status, refusal.problem)


async def _hand_on(backend: Backend, scope: Scope, body: bytes | None, send: Send) -> None:
    try:
        await backend.hand_on(scope, body, send)
    except Away as err:
        raise _unavailable(backend, err) from err


async def _body(request: Request) -> bytes:
    """Return all of it.

    :raises HTTPException: there is too much of it.
    """
    body = bytearray()
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > _MOST_BYTES:
        raise HTTPException(413, f"At most {_MOST_BYTES:,} bytes are taken.")
    async for piece in request.stream():
        body += piece
        if len(body) > _MOST_BYTES:
            raise HTTPException(413, f"At most {_MOST_BYTES:,} bytes are taken.")
    return bytes(body)


def _unavailable(backend: Backend, err: Away) -> WebserverUnavailable:
    if err.late:
        return WebserverUnavailable(f"{backend.name} did not answer in time", "see whether it did what it was asked for")
    return WebserverUnavailable(f"{backend.name} does not run at the moment", "it is started again by itself: try again")
