"""Calls to the PanAccess API: sessions, retries, and which error is which. What records are is said in ``records``."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

from tenacity import Retrying, retry_if_exception_type, wait_exponential, wait_random
from urllib3.util import parse_url

from telemetry_pipeline.amounts import size
from telemetry_pipeline.errors import (
    LoginRejected,
    MalformedAnswer,
    PanAccessError,
    PanAccessUnavailable,
    PermissionDenied,
    SettingsError,
)
from telemetry_pipeline.printable import printable
from telemetry_pipeline.settings.loading import UpstreamSettings
from telemetry_pipeline.settings.proxies import proxy_for
from telemetry_pipeline.sources.panaccess.calls.discretion import MESSAGE_CHARACTERS, Discretion
from telemetry_pipeline.sources.panaccess.calls.session import (
    CHECK_CREDENTIALS,
    Credentials,
    LocalStore,
    RedisStore,
    Session,
    SessionStore,
)
from telemetry_pipeline.sources.panaccess.calls.transport import Failed, TooLarge, Transport
from telemetry_pipeline.sources.panaccess.calls.wire import (
    TRANSIENT_CODES,
    Encoding,
    Envelope,
    decode_envelope,
    encode_form,
    raw_text,
)

TRIES = 3
MAX_ANSWER_BYTES = 16_000_000
CALL_SECONDS = 30.0
_TRANSIENT_STATUSES = frozenset({408, 429})
_SESSION = re.compile(r"[!-~]{8,4096}")

_log = logging.getLogger("telemetry_pipeline.sources.panaccess")
_current_try = ContextVar("_current_try", default=1)
# When the call of this thread has to be over, by time.monotonic.
_ends_at = ContextVar("_ends_at", default=math.inf)


class Reply(Protocol):
    """What a decoder makes of a body: at least whether the call succeeded, and if not, why."""

    @property
    def error(self) -> Envelope | None:
        """The envelope of a failed call; None when it succeeded."""


R = TypeVar("R", bound=Reply)


class _Answer:
    def __init__(self, envelope: Envelope) -> None:
        self.error = None if envelope.success else envelope
        self.value = envelope.answer


def _decode_answer(body: bytes) -> _Answer:
    return _Answer(decode_envelope(body))


class PanAccessClient:
    """A client that any number of threads may share.

    :param url: the API's address; functions are called as ``{url}?f=NAME&requestMode=function``.
    :param store: where the session is shared with other workers.
    :param retry_seconds: the first delay after a transient failure; it doubles, with jitter.
    :param call_seconds: for one try of a call in all, with the login and the replay that it may need.
    :param max_answer_bytes: of one answer, as it comes and unpacked.
    :ivar discretion: what of an answer may be repeated.
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        store: SessionStore | None = None,
        encoding: Encoding = "json",
        records_function: str = "getListOfTelemetryRecords",
        retry_seconds: float = 1.0,
        call_seconds: float = CALL_SECONDS,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self.records_function = records_function
        self._url = url
        self._credentials = credentials
        self._encoding = encoding
        self._retry_seconds = retry_seconds
        self.call_seconds = call_seconds
        self._max_bytes = max_answer_bytes
        self._transport = Transport(url, max_answer_bytes)
        self.discretion = Discretion(credentials)
        for address in filter(None, (url, proxy_for(url))):
            self.discretion.learn(unquote((parse_url(address).auth or "").partition(":")[2]))
        self._session = Session(store or LocalStore(), credentials.fingerprint(url), self._login)

    @classmethod
    def from_settings(
        cls, settings: UpstreamSettings, *, shared: bool = False, at_most_seconds: float = math.inf
    ) -> PanAccessClient:
        """Return the client that the settings describe.

        :param shared: whether its session is kept in Redis, for all workers.
        :param at_most_seconds: for one try of a call, where somebody waits who will not wait for long.
        :raises SettingsError: a shared session has no Redis.
        """
        if shared and settings.redis_url is None:
            raise SettingsError("REDIS_URL is missing: the session of PanAccess is kept there")
        return cls(
            settings.panaccess_url,
            Credentials(
                settings.panaccess_username,
                settings.panaccess_password.get_secret_value(),
                settings.panaccess_api_token.get_secret_value(),
                settings.panaccess_salt.get_secret_value(),
            ),
            store=RedisStore(settings.redis_url.get_secret_value()) if shared and settings.redis_url else None,
            encoding=settings.panaccess_encoding,
            records_function=settings.panaccess_records_function,
            call_seconds=min(settings.panaccess_call_seconds, at_most_seconds),
            max_answer_bytes=settings.panaccess_max_answer_mb * 1_000_000,
        )

    def check(self) -> None:
        """Log in once and ask whether the session is alive.

        :raises PanAccessError: unreachable, refused, or not the API.
        """
        with self._trying():
            if not self._is_alive(self._current_session()):
                raise PanAccessError("PanAccess gave a session and then called it dead")

    def call(
        self,
        function: str,
        parameters: Mapping[str, Any],
        decode: Callable[[bytes], R],
        *,
        tries: int = TRIES,
        until: float = math.inf,
        passing: tuple[type[PanAccessError], ...] = (PanAccessUnavailable,),
    ) -> R:
        """Call a function in the shared session.

        :param tries: how often a transient failure is tried at most, with growing delays.
        :param until: when there is no other try, by ``time.monotonic``; the one that is under way then has the seconds of a
            call from that moment on.
        :param passing: which errors count as transient.
        :raises PanAccessUnavailable: no answer, or a transient error, after all tries.
        :raises LoginRejected, PermissionDenied, MalformedAnswer, PanAccessError: at once, unless they are *passing*.
        """
        for attempt in Retrying(
            retry=retry_if_exception_type(passing),
            stop=lambda state: state.attempt_number >= tries or time.monotonic() >= until,
            wait=wait_exponential(multiplier=self._retry_seconds) + wait_random(0, self._retry_seconds),
            reraise=True,
        ):
            with attempt, self._trying(until):
                _current_try.set(attempt.retry_state.attempt_number)
                reply = self._call_in_session(function, parameters, decode)
        return reply

    @contextmanager
    def _trying(self, until: float = math.inf) -> Iterator[None]:
        """Give all calls of this thread in here together the time of one, and make errors fit to be shown."""
        before = _ends_at.set(min(time.monotonic(), until) + self.call_seconds)
        try:
            with self.discretion.kept():
                yield
        finally:
            _ends_at.reset(before)

    def _call_in_session(self, function: str, parameters: Mapping[str, Any], decode: Callable[[bytes], R]) -> R:
        session = self._current_session()
        reply = decode(self._post(function, {**parameters, "sessionId": session}))
        if self._has_ended(session, reply):
            session = self._current_session(dead=session)
            reply = decode(self._post(function, {**parameters, "sessionId": session}))
            if self._has_ended(session, reply):
                raise PanAccessUnavailable(f"PanAccess ended the session twice during {function}")
        if reply.error is None:
            return reply
        problem = f"PanAccess refused {function}: {reply.error.problem}"
        if reply.error.errorCode in TRANSIENT_CODES:
            raise PanAccessUnavailable(problem)
        raise PermissionDenied(problem) if reply.error.looks_like_permission else PanAccessError(problem)

    def _current_session(self, dead: str | None = None) -> str:
        """Return the shared session; another one than *dead*."""
        wait_seconds = _ends_at.get() - time.monotonic()
        session = self._session.renew(dead, wait_seconds) if dead else self._session.current(wait_seconds)
        self.discretion.learn(session)
        return session

    def _has_ended(self, session: str, reply: Reply) -> bool:
        return reply.error is not None and reply.error.looks_like_permission and not self._is_alive(session)

    def _is_alive(self, session: str) -> bool:
        answer = _decode_answer(self._post("cvLoggedIn", {"sessionId": session}))
        return answer.error is None and answer.value in (True, "true")

    def _login(self) -> str:
        # Here, too: the reason of a rejection is kept beside the session.
        with self.discretion.kept():
            try:
                return self._opened()
            except MalformedAnswer as err:
                err.raw = "(the answer to a login may hold a session, and is not kept)"
                raise

    def _opened(self) -> str:
        answer = _decode_answer(
            self._post(
                "login",
                {
                    "username": self._credentials.username,
                    "password": self._credentials.password_digest,
                    "apiToken": self._credentials.api_token,
                },
            )
        )
        is_session = isinstance(answer.value, str) and _SESSION.fullmatch(answer.value)
        if is_session:
            self.discretion.learn(answer.value)
        if answer.error and answer.error.errorCode in TRANSIENT_CODES:
            raise PanAccessUnavailable(f"PanAccess could not log in: {answer.error.problem}")
        if answer.error or not isinstance(answer.value, str) or answer.value in ("", "false"):
            reason = answer.error.problem if answer.error else "no session was given"
            raise LoginRejected(f"PanAccess rejected the login of {self._credentials.username!r} ({reason})", CHECK_CREDENTIALS)
        if not is_session:
            raise MalformedAnswer("PanAccess gave a session that is not 8 to 4,096 printable ASCII characters", "")
        return answer.value

    def _post(self, function: str, parameters: Mapping[str, Any]) -> bytes:
        host = urlsplit(self._url).netloc.rpartition("@")[2]
        began = time.monotonic()
        try:
            form = encode_form(parameters, self._encoding)
            seconds = min(self.call_seconds, _ends_at.get() - began)
            status, body = self._transport.post(f"f={function}&requestMode=function", form, seconds)
        except Failed as err:
            problem = printable(self.discretion.quote(str(err), MESSAGE_CHARACTERS))
            _log_call(function, began, problem=problem)
            raise PanAccessUnavailable(f"PanAccess at {host} did not answer {function}: {problem}") from err
        except TooLarge as err:
            problem = f"more than {size(self._max_bytes)} (PANACCESS_MAX_ANSWER_MB)"
            _log_call(function, began, problem=problem)
            raise MalformedAnswer(f"PanAccess at {host} answered {function} with {problem}", raw_text(err.beginning)) from err
        _log_call(function, began, status=status, size=len(body))
        if status >= 500 or status in _TRANSIENT_STATUSES:
            raise PanAccessUnavailable(f"PanAccess at {host} answered {function} with HTTP {status}")
        if status != 200:
            raise MalformedAnswer(
                f"PanAccess at {host} answered {function} with HTTP {status}; is PANACCESS_URL right?", raw_text(body)
            )
        return body


def _log_call(function: str, began: float, *, status: int | None = None, size: int = 0, problem: str | None = None) -> None:
    """Log one line a call; parameters and answers hold sessions and people's data, so nothing of them is on it.

    :param began: by ``time.monotonic``.
    :param size: bytes of the body.
    """
    milliseconds = round((time.monotonic() - began) * 1000, 1)
    attempt = _current_try.get()
    _log.log(
        logging.INFO if status == 200 else logging.WARNING,
        "%s: %s in %s ms%s",
        function,
        problem or f"HTTP {status}, {size:,} bytes",
        milliseconds,
        f", try {attempt}" if attempt > 1 else "",
        extra={"function": function, "status": status, "ms": milliseconds, "bytes": size, "try": attempt},
    )
