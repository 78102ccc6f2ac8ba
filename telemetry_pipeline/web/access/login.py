"""Logging in and out: the page, the form, the owner's link."""

from __future__ import annotations

from urllib.parse import urlsplit

import anyio
from anyio import CapacityLimiter
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from telemetry_pipeline.settings.web import LOGIN_PATH
from telemetry_pipeline.warehouse.access import logins
from telemetry_pipeline.warehouse.access.logins import Answer
from telemetry_pipeline.web.access import cookies
from telemetry_pipeline.web.access.door import Door, actor, address_of, is_here
from telemetry_pipeline.web.frame.forms import read_form
from telemetry_pipeline.web.frame.page import language_of, page, wants_page
from telemetry_pipeline.web.frame.problems import problem
from telemetry_pipeline.words.door import DOOR
from telemetry_pipeline.words.language import Texts

LOGOUT_PATH = "/salir"

_LARGEST_FORM_BYTES = 10_000
# Each takes 64 MB, and a core.
_AT_ONCE = 2
_BY_MINUTE = 60


def routes(door: Door) -> list[BaseRoute]:
    """Return where one comes in and goes."""
    login = _Login(door)
    return [
        Route(LOGIN_PATH, login.show, methods=["GET"]),
        Route(LOGIN_PATH, login.enter, methods=["POST"]),
        Route(LOGOUT_PATH, login.leave, methods=["POST"]),
    ]


def place_in_here(text: str) -> str:
    """Return where somebody goes on who has logged in: a path of ours, else the start page."""
    parts = urlsplit(text.replace("\\", "/"))
    inside = not parts.scheme and not parts.netloc and text.startswith("/") and text.isprintable()
    return text if inside and not text.startswith(("//", "/\\")) and parts.path != LOGIN_PATH else "/"


class _Login:
    def __init__(self, door: Door) -> None:
        self._door = door
        self._limiter: CapacityLimiter | None = None

    async def show(self, request: Request) -> Response:
        """Return the form; or, with the owner's token, the way in."""
        following = place_in_here(request.query_params.get("next", "/"))
        if token := request.query_params.get("token"):
            return await self._owner(request, token, following)
        if request.user.is_authenticated:
            return RedirectResponse(following, status_code=303)
        return self._form(request, following)

    async def enter(self, request: Request) -> Response:
        """Compare name and password."""
        length = request.headers.get("content-length", "")
        if not length.isdecimal() or int(length) > _LARGEST_FORM_BYTES:
            raise HTTPException(413)
        form = await read_form(request)
        name, password, following = (form.get(field, "") for field in ("name", "password", "next"))
        following = place_in_here(following)
        answer = await self._log_in(request, name, password)
        if answer.secret is not None:
            return await self._let_in(request, answer.secret, following)
        words = Texts(DOOR, language_of(request))
        status, message, headers = 401, words.rejected, {}
        if answer.wait_seconds:
            minutes = -(-answer.wait_seconds // _BY_MINUTE)
            said = words.minute if minutes == 1 else words.minutes.format(count=minutes)
            status, message = 429, words.throttled.format(minutes=said)
            headers = {"Retry-After": str(answer.wait_seconds)}
        if not wants_page(request):
            return problem(request, status, "the log-in is refused" if status == 401 else "too many log-ins", headers=headers)
        return self._form(request, following, status=status, headers=headers, message=message, name=name)

    async def leave(self, request: Request) -> Response:
        """End the session."""
        if (secret := cookies.read(self._door, request)) is not None:
            await run_in_threadpool(logins.log_out, self._door.engine, secret, actor(request))
            self._door.remembered.forget(secret)
        response = RedirectResponse(LOGIN_PATH, status_code=303)
        cookies.delete(self._door, request, response)
        return response

    async def _log_in(self, request: Request, name: str, password: str) -> Answer:
        self._limiter = self._limiter or CapacityLimiter(_AT_ONCE)
        address, hours = address_of(request), self._door.session_hours
        return await anyio.to_thread.run_sync(
            lambda: logins.log_in(self._door.engine, name, password, address=address, hours=hours), limiter=self._limiter
        )

    async def _owner(self, request: Request, token: str, following: str) -> Response:
        wanted, words = self._door.owner_token, Texts(DOOR, language_of(request))
        if wanted is None or not self._door.is_owners(token):
            return self._form(request, following, status=401, message=words.link_rejected)
        if not is_here(request):
            return self._form(request, following, status=403, message=words.link_from_elsewhere)
        secret = await run_in_threadpool(
            lambda: logins.let_owner_in(self._door.engine, wanted, address=address_of(request), hours=self._door.session_hours)
        )
        return await self._let_in(request, secret, following)

    async def _let_in(self, request: Request, secret: str, following: str) -> Response:
        # What was shown before is nobody's any more, whoever put it there.
        if (before := cookies.read(self._door, request)) is not None:
            await run_in_threadpool(logins.forget, self._door.engine, before)
            self._door.remembered.forget(before)
        response = RedirectResponse(following, status_code=303)
        cookies.write(self._door, request, response, secret)
        return response

    def _form(
        self,
        request: Request,
        following: str,
        *,
        status: int = 200,
        headers: dict[str, str] | None = None,
        message: str = "",
        name: str = "",
    ) -> Response:
        said = {"following": following, "message": message, "name": name, "by_link": self._door.owner_token is not None}
        return page(request, "login.html", status=status, headers=headers, **said)
