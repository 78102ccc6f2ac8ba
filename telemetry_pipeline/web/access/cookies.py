"""The cookie of a session: its secret, signed, so that made-up ones are no question to PostgreSQL."""

from __future__ import annotations

import hashlib

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import HTTPConnection
from starlette.responses import Response

from telemetry_pipeline.web.access.door import Door

# A browser takes a cookie of this name by TLS alone, and for this host alone.
_NAME, _NAME_WITH_TLS = "telemetry_session", "__Host-telemetry_session"
_SALT = "telemetry_pipeline.web.session"


def read(door: Door, connection: HTTPConnection) -> str | None:
    """Return the secret of the session that a browser shows; None: it shows none, or one that we did not sign in time."""
    signed = connection.cookies.get(_name(door, connection))
    if signed is None:
        return None
    try:
        return _signer(door).unsign(signed, max_age=round(door.session_hours * 3600)).decode()
    except (BadSignature, UnicodeDecodeError):
        return None


def write(door: Door, connection: HTTPConnection, response: Response, secret: str) -> None:
    """Have the browser show it from now on."""
    response.set_cookie(
        _name(door, connection),
        _signer(door).sign(secret).decode(),
        max_age=round(door.session_hours * 3600),
        path="/",
        secure=door.is_behind_tls(connection),
        httponly=True,
        samesite="lax",
    )


def delete(door: Door, connection: HTTPConnection, response: Response) -> None:
    """Have the browser forget it."""
    secure = door.is_behind_tls(connection)
    response.delete_cookie(_name(door, connection), path="/", secure=secure, httponly=True, samesite="lax")


def _name(door: Door, connection: HTTPConnection) -> str:
    return _NAME_WITH_TLS if door.is_behind_tls(connection) else _NAME


def _signer(door: Door) -> TimestampSigner:
    return TimestampSigner(door.secret, salt=_SALT, digest_method=hashlib.sha256, key_derivation="hmac")
