"""One session for all workers: kept in Redis, opened by whoever needs it first, renewed once when it died.

PanAccess refuses logins after twenty in five minutes, so a login is never repeated in a loop: a rejected one is remembered
for ten minutes under a fingerprint of its credentials, and new credentials are tried at once.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Protocol

import redis

from telemetry_pipeline.errors import LoginRejected, PanAccessUnavailable

CHECK_CREDENTIALS = "check PANACCESS_USERNAME, PANACCESS_PASSWORD, PANACCESS_API_TOKEN and PANACCESS_SALT"
"""What to do about a login that is rejected."""

_REJECTION_SECONDS = 600
_LOCK_SECONDS = 120
_OTHERS_LOG_IN = "PanAccess was not asked: another process has been logging in for as long as a call may take"


@dataclass(frozen=True)
class Credentials:
    """What a login takes. ``repr`` shows the user name only."""

    username: str
    password: str = field(repr=False)
    api_token: str = field(repr=False)
    salt: str = field(repr=False, default="")

    @property
    def password_digest(self) -> str:
        """What goes over the wire: md5 of password and salt, as the API defines it."""
        return hashlib.md5((self.password + self.salt).encode(), usedforsecurity=False).hexdigest()

    def fingerprint(self, url: str) -> str:
        """Tells these credentials at *url* from any others, and gives nothing of them away."""
        text = "\n".join((url, self.username, self.password, self.api_token, self.salt))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


class SessionStore(Protocol):
    """Where the session is kept between calls."""

    def get(self, name: str) -> str | None:
        """Return the value, or None when there is none."""

    def put(self, name: str, value: str, seconds: int | None = None) -> None:
        """Keep a value, for ever or for some seconds."""

    def lock(self, name: str, wait_seconds: float) -> AbstractContextManager[object]:
        """Hold others off while logging in.

        :raises PanAccessUnavailable: another one held it for so long.
        """


class RedisStore:
    """Shared by every worker."""

    def __init__(self, url: str) -> None:
        self._redis = redis.Redis.from_url(url, decode_responses=True)

    def get(self, name: str) -> str | None:
        """Return the value, or None when there is none."""
        try:
            value = self._redis.get(name)
        except (UnicodeDecodeError, redis.ResponseError):
            return None  # what somebody else has put there is overwritten
        return value if isinstance(value, str) else None

    def put(self, name: str, value: str, seconds: int | None = None) -> None:
        """Keep a value, for ever or for some seconds."""
        self._redis.set(name, value, ex=seconds)

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        """Hold others off while logging in."""
        lock = self._redis.lock(name, timeout=_LOCK_SECONDS)
        if not lock.acquire(blocking_timeout=min(wait_seconds, _LOCK_SECONDS)):
            raise PanAccessUnavailable(_OTHERS_LOG_IN)
        try:
            yield
        finally:
            lock.release()


class LocalStore:
    """For the threads of a single process: a check of the settings, a test."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, name: str) -> str | None:
        """Return the value, or None when there is none."""
        return self._values.get(name)

    def put(self, name: str, value: str, seconds: int | None = None) -> None:
        """Keep a value for as long as the process lives."""
        self._values[name] = value

    @contextmanager
    def lock(self, name: str, wait_seconds: float) -> Iterator[None]:
        """Hold other threads off while logging in."""
        if not self._lock.acquire(timeout=max(0.0, min(wait_seconds, _LOCK_SECONDS))):
            raise PanAccessUnavailable(_OTHERS_LOG_IN)
        try:
            yield
        finally:
            self._lock.release()


class Session:
    """The session of some credentials at some address.

    :param login: opens a session and gives its id; raises LoginRejected when the credentials are refused.
    """

    def __init__(self, store: SessionStore, fingerprint: str, login: Callable[[], str]) -> None:
        self._store = store
        self._prefix = f"telemetry:panaccess:{fingerprint}"
        self._login = login

    def current(self, wait_seconds: float = _LOCK_SECONDS) -> str:
        """Return the id of the shared session; logs in when there is none."""
        return self._store.get(f"{self._prefix}:session") or self.renew(None, wait_seconds)

    def renew(self, dead: str | None, wait_seconds: float = _LOCK_SECONDS) -> str:
        """Return a session in place of *dead*: somebody else's new one, or else one login.

        :raises PanAccessUnavailable: somebody else has been logging in for *wait_seconds*.
        """
        with self._store.lock(f"{self._prefix}:lock", wait_seconds):
            known = self._store.get(f"{self._prefix}:session")
            if known and known != dead:
                return known
            if rejection := self._store.get(f"{self._prefix}:rejected"):
                raise LoginRejected(rejection, CHECK_CREDENTIALS)
            try:
                opened = self._login()
            except LoginRejected as err:
                self._store.put(f"{self._prefix}:rejected", err.problem, seconds=_REJECTION_SECONDS)
                raise
            self._store.put(f"{self._prefix}:session", opened)
            return opened
