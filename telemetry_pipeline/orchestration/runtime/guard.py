"""The guard before Dagster's web server, in its process: nothing reaches the one but through the other.

Dagster has no log-in and asks nobody where a request comes from, so a page that an operator happens to visit could launch runs.
The guard lets in what a browser sends from our own pages, and what programs send; it does not ask who somebody is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

from telemetry_pipeline.origins import OwnNames

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
# Events that nobody caused, and files of the code server's disk: nobody here needs either.
_CLOSED = re.compile(r"/(report_asset\w*|(dagit/)?notebook)(/.*)?", re.IGNORECASE)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Beside the policy that Dagster gives its pages: a browser obeys both.
    "Content-Security-Policy": "frame-ancestors 'self'",
}

Refusal = tuple[int, str]


class Guard:
    """ASGI middleware that answers what may not pass, each time in one sentence.

    :param urls: where people and programs reach the server; the loopback is always among it.
    :param prefix: path under which the server is, as ``/telemetry``; empty for none.
    """

    def __init__(self, app: ASGIApp, *, urls: Iterable[str], prefix: str = "") -> None:
        self._app = app
        self._names = OwnNames(urls)
        self._prefix = prefix

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        refusal = self.refusal(scope)
        if scope["type"] == "websocket":
            if refusal is None:
                await self._app(scope, receive, send)
            else:
                await WebSocket(scope, receive, send).send_denial_response(_answer(refusal))
            return

        async def protected(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.append(name, value)
            await send(message)

        await (self._app if refusal is None else _answer(refusal))(scope, receive, protected)

    def refusal(self, scope: Scope) -> Refusal | None:
        """Why a request may not pass: an HTTP status and a sentence; None if it may."""
        headers = Headers(scope=scope)
        if not self._names.asked_for(headers.getlist("host")):
            return 421, "This server does not go by that name; OTHER_WEB_URLS says which others it has."
        path = scope["path"]
        if _CONTROL.search(path):
            return 400, "The path has a control character."
        if _CLOSED.fullmatch(path.removeprefix(self._prefix)):
            return 404, "This is not served here."
        is_graphql = path == f"{self._prefix}/graphql"
        if scope["type"] == "websocket":
            return self._foreign(headers) if is_graphql else (404, "There is no WebSocket here.")
        match scope["method"]:
            case "GET" | "HEAD":
                return (405, "GraphQL is asked by POST.") if is_graphql else None
            case "POST" if is_graphql:
                return self._foreign(headers) or _other_than_json(headers)
            case _:
                return 405, "Only GraphQL takes anything, by POST."

    def _foreign(self, headers: Headers) -> Refusal | None:
        """A browser says from which page it asks; a program says nothing."""
        origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
        if self._names.is_foreign(headers["host"], origins=origins, sites=sites):
            return 403, "A page from elsewhere may not ask this; WEB_URL and OTHER_WEB_URLS say where people open the web UI."
        return None


def _other_than_json(headers: Headers) -> Refusal | None:
    """Only what no page from elsewhere can send unasked; as Dagster spells it, or it reads the address instead."""
    kinds = headers.getlist("content-type")
    if len(kinds) == 1 and kinds[0].partition(";")[0].strip() == "application/json":
        return None
    return 415, "GraphQL takes application/json alone."


def _answer(refusal: Refusal) -> PlainTextResponse:
    status, sentence = refusal
    return PlainTextResponse(f"{sentence}\n", status_code=status)
