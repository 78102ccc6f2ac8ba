"""Logins and sessions: who may call, for how long, and how often one may log in. No HTTP."""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from telemetry_pipeline.simulator.options import Options


class TooManyLogins(Exception):
    """The login limit is exceeded."""


class Sessions:
    """Sessions end ``session_ttl`` seconds after their login, whether they are used or not."""

    def __init__(self, options: Options, clock: Callable[[], float]) -> None:
        """``clock`` gives seconds."""
        self._options = options
        self._clock = clock
        self._ends: dict[str, float] = {}
        self._logins: deque[float] = deque()

    def login(self, parameters: Mapping[str, Any]) -> str | None:
        """Return a new session's id, or ``None`` for wrong credentials; every attempt counts against the limit."""
        now = self._clock()
        while self._logins and self._logins[0] <= now - self._options.login_window:
            self._logins.popleft()
        if len(self._logins) >= self._options.login_limit:
            raise TooManyLogins
        self._logins.append(now)
        secret = (self._options.password + self._options.salt).encode()
        expected = {
            "username": self._options.username,
            "password": hashlib.md5(secret, usedforsecurity=False).hexdigest(),
            "apiToken": self._options.api_token,
        }
        if any(parameters.get(name) != value for name, value in expected.items()):
            return None
        session = secrets.token_hex(16)
        self._ends[session] = now + self._options.session_ttl
        return session

    def alive(self, session: Any) -> bool:
        """Return whether the session exists and has not ended."""
        return self._ends.get(session, 0) > self._clock() if isinstance(session, str) else False

    def end(self, session: Any) -> None:
        """End one session, if there is such a one."""
        self._ends.pop(session, None)

    def end_all(self) -> None:
        """End every session."""
        self._ends.clear()
