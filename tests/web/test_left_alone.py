"""What nobody waits for any more is not computed, whoever asked for it and in whatever form."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from typing import Any, cast

import pytest
from front_door import OPERATOR, URL, Browser, door_settings

from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.web.app import create_app
from telemetry_pipeline.web.computing.pool import Pool
from telemetry_pipeline.web.computing.question import Question

DAYS = "desde=2025-03-01&hasta=2025-03-02"


class Endless:
    """Computes for ever, until it is told to stop."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.stopped = asyncio.Event()

    async def ask(self, question: Question) -> bytes:
        """Nothing."""
        self.begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.stopped.set()
        raise AssertionError

    def close(self) -> None:
        """Nothing runs."""


@pytest.mark.parametrize(
    "address",
    [f"/figuras/share?{DAYS}", f"/canales.csv?{DAYS}", "/api/analyses/share?from=2025-03-01&to=2025-03-02"],
    ids=["a picture", "the ranking as a file", "the API"],
)
def test_who_goes_away_leaves_nothing_that_is_computed(filled: str, address: str) -> None:
    """Pictures of pages that people had left kept everybody else waiting for a minute."""
    path, _, query = address.partition("?")

    async def ask_and_leave() -> None:
        pool = Endless()
        door = create_app(door_settings(filled), connect(filled), cast(Pool, pool))
        with Browser(door, URL) as browser:
            await asyncio.to_thread(browser.log_in, OPERATOR)
            cookies = "; ".join(f"{name}={value}" for name, value in browser.cookies.items())
        told: list[Any] = []

        async def receive() -> dict[str, Any]:
            await pool.begun.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            told.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(b"host", URL.partition("//")[2].encode()), (b"cookie", cookies.encode())],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 80),
        }
        await asyncio.wait_for(door(scope, receive, send), 60)
        await asyncio.wait_for(pool.stopped.wait(), 60)

    asyncio.run(ask_and_leave())
