"""What the door has to know of itself: its names, its secrets, and where users are."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import Self

import sqlalchemy as sa
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection

from telemetry_pipeline.settings.loading import DoorSettings
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.web.access.origins import OwnNames
from telemetry_pipeline.web.access.remembering import Remembered
from telemetry_pipeline.web.access.visitor import Visitor


@dataclass(frozen=True)
class Door:
    """The same for all requests, in ``request.app.state.door``.

    :ivar remembered: who was here a moment ago.

    :ivar owner_token: what lets the owner of a local stack in; None: nothing does.
    """

    engine: sa.Engine
    names: OwnNames
    secret: str
    owner_token: str | None
    session_hours: float
    remembered: Remembered = field(default_factory=Remembered)

    @classmethod
    def of_settings(cls, settings: DoorSettings, engine: sa.Engine) -> Self:
        """Return the door as the settings have it."""
        urls = [settings.web_url, *settings.other_web_urls.split()]
        token = settings.web_token
        return cls(
            engine=engine,
            names=OwnNames(url for url in urls if url),
            secret=settings.web_secret.get_secret_value(),
            owner_token=None if token is None else token.get_secret_value(),
            session_hours=settings.session_hours,
        )

    def is_owners(self, token: str) -> bool:
        """Return whether it is what lets the owner of a local stack in."""
        return self.owner_token is not None and hmac.compare_digest(token.encode(), self.owner_token.encode())

    def is_behind_tls(self, connection: HTTPConnection) -> bool:
        """Return whether the browser that asks does so by TLS, even if a proxy that is not trusted ends it."""
        name = self.names.asked_for(connection.headers.getlist("host"))
        return connection.url.scheme in ("https", "wss") or self.names.is_behind_tls(name)


def address_of(connection: HTTPConnection) -> str:
    """Return where somebody asks from; empty: by a socket of this machine."""
    return connection.client.host if connection.client else ""


def is_here(connection: HTTPConnection) -> bool:
    """Return whether somebody asks from this machine."""
    address = address_of(connection)
    try:
        return not address or ip_address(address).is_loopback
    except ValueError:
        return False


def actor(connection: HTTPConnection) -> Actor:
    """Return who asks, as the audit has them."""
    user = connection.scope.get("user")
    if isinstance(user, Visitor):
        return Actor(user.name, user.by, address_of(connection))
    return Actor("", "nobody", address_of(connection))


def operators_only(connection: HTTPConnection) -> None:
    """Let nobody else pass.

    :raises HTTPException: who asks is none.
    """
    if "operator" not in connection.auth.scopes:
        raise HTTPException(403, "this is for operators")
