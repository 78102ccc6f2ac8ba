"""GraphQL's subscriptions: a WebSocket of a browser joined to one of Dagster's, for as long as its session lasts."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path

from starlette.concurrency import run_in_threadpool
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, unix_connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

from telemetry_pipeline.web.proxy.backend import Away
from telemetry_pipeline.web.proxy.graphql import NotGraphQL, changes
from telemetry_pipeline.web.proxy.rules import GRAPHQL_PATH

PROTOCOL = Subprotocol("graphql-ws")
_OPEN_SECONDS = 10.0
_MOST_BYTES_ASKED = 1_000_000
_MOST_BYTES_TOLD = 16_000_000
_POLICY, _ENDED, _GONE = 1008, 4401, 1001

Lasts = Callable[[WebSocket], Awaitable[bool]]
"""Whether whoever opened it may still be here."""


async def join(socket: Path, browser: WebSocket, lasts: Lasts, look_seconds: float) -> None:
    """Accept, and carry messages both ways until one side or the session ends.

    :param look_seconds: how often to look whether the session lasts.
    :raises Away: before it was accepted.
    """
    try:
        server = await unix_connect(
            str(socket),
            f"ws://localhost{GRAPHQL_PATH}",
            subprotocols=[PROTOCOL],
            compression=None,
            open_timeout=_OPEN_SECONDS,
            max_size=_MOST_BYTES_TOLD,
        )
    except (OSError, TimeoutError, InvalidHandshake) as err:
        raise Away(late=False) from err
    async with server:
        await browser.accept(subprotocol=PROTOCOL)
        ways = [
            asyncio.create_task(way)
            for way in (_ask(browser, server), _tell(server, browser), _watch(browser, lasts, look_seconds))
        ]
        try:
            done, _ = await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        code = next(iter(done)).result()
        if code is not None:
            with suppress(RuntimeError):  # it has gone meanwhile
                await browser.close(code)


async def _ask(browser: WebSocket, server: ClientConnection) -> int | None:
    """Hand on what the browser says, until it goes, or wants what is not asked here."""
    with suppress(ConnectionClosed):
        while (message := await browser.receive())["type"] == "websocket.receive":
            text = message.get("text")
            if text is None or not await run_in_threadpool(_may_be_asked, text):
                return _POLICY
            await server.send(text)
    return None


async def _tell(server: ClientConnection, browser: WebSocket) -> int | None:
    """Hand on what the server says, until it goes."""
    with suppress(ConnectionClosed):
        async for message in server:
            try:
                await browser.send_text(message if isinstance(message, str) else message.decode())
            except WebSocketDisconnect:
                return None
    return _GONE


async def _watch(browser: WebSocket, lasts: Lasts, look_seconds: float) -> int:
    """Wait until the session does not last, and return with which code the subscription ends then."""
    while await lasts(browser):
        await asyncio.sleep(look_seconds)
    return _ENDED


def _may_be_asked(text: str) -> bool:
    """Say whether a message changes nothing: Dagster's pages send mutations by POST, where they are put on record."""
    if len(text) > _MOST_BYTES_ASKED:
        return False
    try:
        message = json.loads(text)
        if not isinstance(message, dict):
            return False
        return "payload" not in message or message.get("type") == "connection_init" or not changes(message["payload"]).mutations
    except (ValueError, RecursionError, NotGraphQL):
        return False
