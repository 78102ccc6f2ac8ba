"""Who was here a moment ago.

For a second they need not be looked up again: a page asks for much at once. And when PostgreSQL goes away, they can see what is
the matter, and nothing else.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.web.access.visitor import Visitor

FRESH_SECONDS = 1.0
"""So late at most it is noticed that a user was disabled, or a token revoked; who logs out is forgotten at once."""
KEPT_SECONDS = 600.0
_MOST = 1_000


class Remembered:
    """Who showed what, as PostgreSQL last said it.

    :param clock: seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._known: OrderedDict[bytes, tuple[Visitor | None, float]] = OrderedDict()

    def now(self) -> float:
        """Return the time, in seconds, which is to be taken before PostgreSQL is asked."""
        return self._clock()

    def note(self, secret: str, visitor: Visitor | None, asked_at: float) -> None:
        """Remember what was found of who shows this; None: it opens nothing.

        :param asked_at: when PostgreSQL was asked; what was forgotten since stays so.
        """
        key = _key(secret)
        with self._lock:
            if self._known.get(key, (None, asked_at))[1] > asked_at:
                return
            self._known.pop(key, None)
            if visitor is not None:  # who shows what opens nothing, a thousand times, makes nobody else forgotten
                self._keep(key, visitor, asked_at)

    def forget(self, secret: str) -> None:
        """Have a secret open nothing any more, whatever was asked about it before."""
        with self._lock:
            self._keep(_key(secret), None, self._clock())

    def _keep(self, key: bytes, visitor: Visitor | None, at: float) -> None:
        self._known[key] = (visitor, at)
        self._known.move_to_end(key)
        while len(self._known) > _MOST:
            self._known.popitem(last=False)

    def fresh(self, secret: str) -> Visitor | None:
        """Return who that was a moment ago."""
        return self._noted(secret, FRESH_SECONDS)

    def recall(self, secret: str) -> Visitor | None:
        """Return who that was lately, as somebody who looks and changes nothing."""
        visitor = self._noted(secret, KEPT_SECONDS)
        return None if visitor is None else replace(visitor, role=Role.VIEWER, personal=False)

    def _noted(self, secret: str, within_seconds: float) -> Visitor | None:
        with self._lock:
            visitor, at = self._known.get(_key(secret), (None, float("-inf")))
        return visitor if self._clock() - at < within_seconds else None


def _key(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
