"""What is refused before anybody looks at it: other names, pages from elsewhere, and who is not known.

What somebody may who is known is for each room to say, by the scopes.
"""

from __future__ import annotations

from urllib.parse import quote

from starlette.requests import HTTPConnection
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket

from telemetry_pipeline.settings.web import LOGIN_PATH
from telemetry_pipeline.web.access.door import Door
from telemetry_pipeline.web.access.public import is_public
from telemetry_pipeline.web.frame.page import wants_page
from telemetry_pipeline.web.frame.problems import problem

_LOOKING = frozenset({"GET", "HEAD"})
_OTHER_NAME = ("the server does not go by that name", "WEB_URL and OTHER_WEB_URLS say which it has")
_FROM_ELSEWHERE = ("a page from elsewhere may not ask this", "WEB_URL and OTHER_WEB_URLS say where people open the front door")
_UNKNOWN = ("this needs a log-in, or a token", "send 'Authorization: Bearer TOKEN'; 'telemetry-pipeline tokens add' makes one")


class Names:
    """ASGI middleware that lets in who asks for us by our name, and asks from our own pages if it changes something."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._app = app
        self._door = door

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        await _answer(refusal or self._app, scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        connection = HTTPConnection(scope)
        headers = connection.headers
        if not self._door.names.asked_for(headers.getlist("host")):
            return problem(connection, 421, *_OTHER_NAME)
        if scope["type"] == "http" and scope["method"] in _LOOKING:
            return None
        origins, sites = headers.getlist("origin"), headers.getlist("sec-fetch-site")
        foreign = self._door.names.is_foreign(headers["host"], origins=origins, sites=sites)
        # A browser that shows a cookie says where it asks from; what does neither is no browser.
        if foreign or ("cookie" in headers and not origins and not sites):
            return problem(connection, 403, *_FROM_ELSEWHERE)
        return None


class Admission:
    """ASGI middleware that lets in who is known, and everybody where the door is open to everybody."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or hand on."""
        refusal = self._refusal(scope) if scope["type"] in ("http", "websocket") else None
        await _answer(refusal or self._app, scope, receive, send)

    def _refusal(self, scope: Scope) -> Response | None:
        if scope["user"].is_authenticated or (scope["type"] == "http" and is_public(scope["path"])):
            return None
        connection = HTTPConnection(scope)
        if scope["type"] == "http" and scope["method"] in _LOOKING and wants_page(connection):
            wanted = connection.url.path + (f"?{connection.url.query}" if connection.url.query else "")
            following = "" if wanted == "/" else f"?next={quote(wanted, safe='')}"
            return RedirectResponse(f"{LOGIN_PATH}{following}", status_code=303)
        return problem(connection, 401, *_UNKNOWN, headers={"WWW-Authenticate": "Bearer"})


async def _answer(answer: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket" and isinstance(answer, Response):
        await WebSocket(scope, receive, send).send_denial_response(answer)
    else:
        await answer(scope, receive, send)
