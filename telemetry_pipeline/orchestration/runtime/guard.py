"""The guard before Dagster's web server, in its process: nothing reaches the one but through the other.

Dagster has no log-in and asks nobody where a request comes from, so a page that an operator happens to visit could launch runs.
The guard lets in what a browser sends from our own pages, and what programs send; it does not ask who somebody is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from starlette.websockets import WebSocket

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_AUTHORITY = re.compile(r"([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Events that nobody caused, and files of the code server's disk: nobody here needs either.
_CLOSED = re.compile(r"/(report_asset\w*|(dagit/)?notebook)(/.*)?", re.IGNORECASE)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    # Beside the policy that Dagster gives its pages: a browser obeys both.
    "Content-Security-Policy": "frame-ancestors 'self'",
}

Origin = tuple[str, str, int | None]
Refusal = tuple[int, str]


class Guard:
    """ASGI middleware that answers what may not pass, each time in one sentence.

    :param urls: where people and programs reach the server; the loopback is always among it.
    :param prefix: path under which the server is, as ``/telemetry``; empty for none.
    """

    def __init__(self, app: ASGIApp, *, urls: Iterable[str], prefix: str = "") -> None:
        self._app = app
        self._origins = {_origin(url) for url in urls}
        self._hosts = _LOOPBACK | {host for _, host, _ in self._origins if host}
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
        hosts = headers.getlist("host")
        if len(hosts) != 1 or (host := _host(hosts[0])) not in self._hosts:
            return 421, "This server does not go by that name; OTHER_WEB_URLS says which others it has."
        path = scope["path"]
        if _CONTROL.search(path):
            return 400, "The path has a control character."
        if _CLOSED.fullmatch(path.removeprefix(self._prefix)):
            return 404, "This is not served here."
        is_graphql = path == f"{self._prefix}/graphql"
        if scope["type"] == "websocket":
            return self._foreign(headers, host) if is_graphql else (404, "There is no WebSocket here.")
        match scope["method"]:
            case "GET" | "HEAD":
                return (405, "GraphQL is asked by POST.") if is_graphql else None
            case "POST" if is_graphql:
                return self._foreign(headers, host) or _other_than_json(headers)
            case _:
                return 405, "Only GraphQL takes anything, by POST."

    def _foreign(self, headers: Headers, host: str) -> Refusal | None:
        """A browser says from which page it asks; a program says nothing."""
        sites = headers.getlist("sec-fetch-site")
        if any(site not in ("same-origin", "none") for site in sites):
            return 403, "A page from elsewhere may not ask this."
        origins = headers.getlist("origin")
        if not origins or (len(origins) == 1 and self._is_own(origins[0], headers["host"], host)):
            return None
        return 403, "A page from elsewhere may not ask this; WEB_URL and OTHER_WEB_URLS say where people open the web UI."

    def _is_own(self, origin: str, authority: str, host: str) -> bool:
        try:
            found = _origin(origin)
            # On the loopback whoever forwards a port chooses its number; any other port is another program's page.
            return found in self._origins or (host in _LOOPBACK and found == _origin(f"http://{authority}"))
        except ValueError:
            return False


def _host(authority: str) -> str:
    """The name in a Host header, without port and brackets; empty if it is none."""
    return _name(f"//{authority}") if _AUTHORITY.fullmatch(authority) else ""


def _name(url: str) -> str:
    """The host in an address, each in one way of writing it; empty if there is none."""
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
        return ip_address(host).compressed if ":" in host else host
    except ValueError:
        return ""


def _origin(url: str) -> Origin:
    """What browsers mean by the origin of a page.

    :raises ValueError: it is no URL.
    """
    parts = urlsplit(url)
    return parts.scheme, _name(url), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _other_than_json(headers: Headers) -> Refusal | None:
    """Only what no page from elsewhere can send unasked; as Dagster spells it, or it reads the address instead."""
    kinds = headers.getlist("content-type")
    if len(kinds) == 1 and kinds[0].partition(";")[0].strip() == "application/json":
        return None
    return 415, "GraphQL takes application/json alone."


def _answer(refusal: Refusal) -> PlainTextResponse:
    status, sentence = refusal
    return PlainTextResponse(f"{sentence}\n", status_code=status)
