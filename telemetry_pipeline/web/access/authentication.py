"""Who a request is from: the session of a browser, or the token of a program."""

from __future__ import annotations

from collections.abc import Callable

from starlette.authentication import AuthCredentials, AuthenticationBackend, AuthenticationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import HTTPConnection
from starlette.responses import Response

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.access import sessions, tokens
from telemetry_pipeline.warehouse.access.names import OWNER
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.access import cookies
from telemetry_pipeline.web.access.door import Door, is_here
from telemetry_pipeline.web.access.public import is_public_file, tells_of_outages
from telemetry_pipeline.web.access.visitor import Visitor
from telemetry_pipeline.web.frame.problems import problem_of

_BEARER = "bearer "


class Authentication(AuthenticationBackend):
    """For Starlette's own middleware, which puts what it finds into ``scope["user"]`` and ``scope["auth"]``."""

    def __init__(self, door: Door) -> None:
        self._door = door
        # Of most requests: a transaction would be asked for, and ended, on top.
        self._at_once = door.engine.execution_options(isolation_level="AUTOCOMMIT")

    async def authenticate(self, conn: HTTPConnection) -> tuple[AuthCredentials, Visitor] | None:
        """Return who it is; None: nobody known.

        :raises AuthenticationError: PostgreSQL cannot be asked; its cause is our error.
        """
        if is_public_file(conn.scope["path"]):
            return None
        try:
            visitor = await self._visitor(conn)
        except WarehouseError as err:
            raise AuthenticationError from err
        return None if visitor is None else (visitor.scopes, visitor)

    async def _visitor(self, conn: HTTPConnection) -> Visitor | None:
        authorization = conn.headers.get("authorization", "")
        if authorization[: len(_BEARER)].lower() == _BEARER:
            token = authorization[len(_BEARER) :].strip()
            if is_here(conn) and self._door.is_owners(token):
                return Visitor(OWNER, Role.OPERATOR, personal=True, by="token")
            return await self._found(conn, token, self._of_token)
        secret = cookies.read(self._door, conn)
        return None if secret is None else await self._found(conn, secret, self._of_session)

    async def _found(self, conn: HTTPConnection, secret: str, find: Callable[[str], Visitor | None]) -> Visitor | None:
        remembered = self._door.remembered
        if (visitor := remembered.fresh(secret)) is not None:
            return visitor
        asked_at = remembered.now()
        try:
            visitor = await run_in_threadpool(find, secret)
        except WarehouseError:
            recalled = remembered.recall(secret) if tells_of_outages(conn.scope["path"]) else None
            if recalled is None:
                raise
            return recalled
        remembered.note(secret, visitor, asked_at)
        return visitor

    def _of_token(self, secret: str) -> Visitor | None:
        with self._at_once.connect() as connection:
            token = tokens.find(connection, secret)
        return None if token is None else Visitor(token.name, token.role, token.personal, "token")

    def _of_session(self, secret: str) -> Visitor | None:
        with self._at_once.connect() as connection:
            session = sessions.find(connection, secret, self._door.owner_token)
        return None if session is None else Visitor(session.name, session.role, session.personal, "session")


def unknown(connection: HTTPConnection, err: AuthenticationError) -> Response:
    """Return the answer to who cannot be known at the moment."""
    assert isinstance(err.__cause__, WarehouseError)
    return problem_of(connection, err.__cause__)
