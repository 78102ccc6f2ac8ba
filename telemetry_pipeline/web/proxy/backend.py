"""One server behind the door, on a Unix socket: requests handed on to it as they came, and its answers as they come.

Of what a browser sends it gets what it needs, by a list: never the door's cookie, a token, or what claims to say who asks.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import httpcore
from starlette.types import Scope, Send

from telemetry_pipeline.sockets import DAGSTER_PATH

_logger = logging.getLogger(__name__)

Headers = list[tuple[bytes, bytes]]

_CONNECTIONS = 200
_IDLE_SECONDS = 30.0
# Of an answer its beginning, and then each piece of it: a large launch takes its time.
_TIMEOUTS = {"connect": 5.0, "pool": 10.0, "write": 30.0, "read": 120.0}
_PASSED_ON = frozenset(
    b"accept accept-encoding accept-language cache-control content-type host if-modified-since if-none-match if-range range "
    b"user-agent x-requested-with".split()
)
# Between two neighbours alone; and what the door says itself.
_KEPT_BACK = frozenset(
    b"connection date keep-alive location proxy-authenticate proxy-connection server set-cookie te trailer transfer-encoding "
    b"upgrade access-control-allow-origin access-control-allow-headers access-control-allow-methods".split()
)
# Beside what a page says of itself: a browser obeys both policies.
_ADDED: Headers = [(b"content-security-policy", b"frame-ancestors 'self'")]
# Files that have another name when they change.
_HASHED = f"{DAGSTER_PATH}/_next/static/"


class Away(Exception):
    """The server does not answer.

    :ivar late: whether it took the request, and may be at work on it.
    """

    def __init__(self, *, late: bool) -> None:
        super().__init__(late)
        self.late = late


@dataclass(frozen=True)
class Backend:
    """A server.

    :ivar name: for people.
    """

    name: str
    socket: Path
    pool: httpcore.AsyncConnectionPool

    @classmethod
    def at(cls, name: str, socket: Path) -> Backend:
        """Return the one that listens there, now or later."""
        pool = httpcore.AsyncConnectionPool(uds=str(socket), max_connections=_CONNECTIONS, keepalive_expiry=_IDLE_SECONDS)
        return cls(name, socket, pool)

    async def hand_on(self, scope: Scope, body: bytes | None, send: Send) -> None:
        """Ask what was asked, and pass the answer on piece by piece.

        :param body: all of it; None: there is none.
        :raises Away: before anything was answered.
        """
        headers = [(name, value) for name, value in scope["headers"] if name in _PASSED_ON]
        if body is not None:
            headers.append((b"content-length", str(len(body)).encode()))
        request = httpcore.Request(
            scope["method"],
            httpcore.URL(scheme=b"http", host=b"localhost", port=None, target=_target(scope)),
            headers=headers,
            content=body or b"",
            extensions={"timeout": _TIMEOUTS},
        )
        try:
            answer = await self.pool.handle_async_request(request)
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as err:
            raise Away(late=False) from err
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as err:
            raise Away(late=True) from err
        try:
            headers = [*_answered(answer.headers), *_ADDED, *_location(answer.headers, scope), *_kept(answer.status, scope)]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for piece in answer.aiter_stream():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError) as err:
            # What was passed on stays unfinished, which a browser sees.
            _logger.warning("%s broke off its answer to %s: %s", self.name, scope["path"], err)
        finally:
            await answer.aclose()


def _target(scope: Scope) -> bytes:
    path: bytes = scope["raw_path"]
    return path + b"?" + scope["query_string"] if scope["query_string"] else path


def _answered(headers: Iterable[tuple[bytes, bytes]]) -> Headers:
    return [(name.lower(), value) for name, value in headers if name.lower() not in _KEPT_BACK]


def _kept(status: int, scope: Scope) -> Headers:
    """Return what need not be asked for again."""
    return (
        [(b"cache-control", b"private, max-age=31536000, immutable")]
        if status == 200 and scope["path"].startswith(_HASHED)
        else []
    )


def _location(headers: Iterable[tuple[bytes, bytes]], scope: Scope) -> Headers:
    """Return where an answer leads, without the scheme and the name by which the server thinks that it was asked."""
    found = [value for name, value in headers if name.lower() == b"location"]
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return [(b"location", value.removeprefix(b"http://" + host) or b"/") for value in found]
