"""Bodies by name, as many as fit; who asks for one that is being made waits for it, and who goes away last has it stopped."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass
class _Making:
    task: asyncio.Task[bytes]
    waiting: int = 0


class Kept:
    """The bodies that were asked for last, of at most so many bytes together."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._bytes = 0
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._making: dict[str, _Making] = {}

    async def get(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Return the body of that name; made once, however many ask for it meanwhile."""
        if name in self._kept:
            self._kept.move_to_end(name)
            return self._kept[name]
        making = self._making.get(name)
        if making is None:
            making = self._making[name] = _Making(asyncio.ensure_future(self._make(name, make)))
        making.waiting += 1
        try:
            return await asyncio.shield(making.task)
        finally:
            making.waiting -= 1
            if not making.waiting and not making.task.done():
                making.task.cancel()
                if self._making.get(name) is making:
                    del self._making[name]

    async def _make(self, name: str, make: Callable[[], Awaitable[bytes]]) -> bytes:
        own = asyncio.current_task()
        try:
            body = await make()
        finally:
            if (making := self._making.get(name)) and making.task is own:
                del self._making[name]
        if len(body) <= self._most_bytes:
            self._kept[name] = body
            self._bytes += len(body)
            while self._bytes > self._most_bytes:
                self._bytes -= len(self._kept.popitem(last=False)[1])
        return body
