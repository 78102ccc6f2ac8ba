"""How a body comes and an answer goes: whole, in drips, cut off, or without end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

Scope = MutableMapping[str, Any]

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

# Where the server leaves a function that resets the connection.
RESET_EXTENSION = "simulator.reset"


@dataclass(frozen=True)
class Reply:
    """An answer, and how its body is packed."""

    body: bytes
    status: int = 200
    encoding: str | None = None


async def read_body(receive: Receive) -> bytes | None:
    """Return the request's body; ``None`` if the client left."""
    body = b""
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += bytes(message.get("body", b""))
        if not message.get("more_body", False):
            return body


async def _left(receive: Receive) -> None:
    """Wait until the connection is gone."""
    while (await receive())["type"] != "http.disconnect":
        pass


async def left_within(receive: Receive, seconds: float) -> bool:
    """Wait; whether the client left meanwhile."""
    try:
        await asyncio.wait_for(_left(receive), seconds)
    except TimeoutError:
        return False
    return True


async def send_reply(send: Send, reply: Reply, *, body: bytes | None = None) -> None:
    """Send the reply, or only the part ``body`` of its body."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply.body))]
    if reply.encoding:
        headers.append((b"content-encoding", reply.encoding.encode()))
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    part = reply.body if body is None else body
    await send({"type": "http.response.body", "body": part, "more_body": len(part) < len(reply.body)})


async def drop(scope: Scope, receive: Receive, send: Send, reply: Reply, after_bytes: int) -> None:
    """Cut the connection in the answer."""
    if after_bytes:
        await send_reply(send, reply, body=reply.body[: min(after_bytes, len(reply.body) - 1)])
    scope["extensions"][RESET_EXTENSION]()
    # Until the server has noticed that the connection is gone, it would complete the answer itself.
    await _left(receive)


async def drip(receive: Receive, send: Send, reply: Reply, seconds: float) -> None:
    """Send a byte at a time."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(reply.body))]
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    for place in range(len(reply.body)):
        await send({"type": "http.response.body", "body": reply.body[place : place + 1], "more_body": True})
        if await left_within(receive, seconds):
            return
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def send_without_end(receive: Receive, send: Send, content_length: int | None) -> None:
    """Send blanks as long as the client takes them."""
    headers = [(b"content-type", b"application/json")]
    if content_length is not None:
        headers.append((b"content-length", b"%d" % content_length))
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    while not await left_within(receive, 0.001):
        await send({"type": "http.response.body", "body": b" " * 200_000, "more_body": True})
