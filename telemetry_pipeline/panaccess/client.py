"""Calls to the PanAccess API: sessions, retries, and which error is which. What records are is said in ``records``."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any, Protocol, TypeVar
from urllib.parse import unquote, urlsplit

import urllib3
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential, wait_random

from telemetry_pipeline.addresses import shown
from telemetry_pipeline.errors import (
    LoginRejected,
    MalformedAnswer,
    PanAccessError,
    PanAccessUnavailable,
    PermissionDenied,
    SettingsError,
)
from telemetry_pipeline.panaccess.session import Credentials, LocalStore, RedisStore, Session, SessionStore
from telemetry_pipeline.panaccess.wire import (
    TRANSIENT_CODES,
    Encoding,
    Envelope,
    decode_envelope,
    encode_form,
    raw_text,
)
from telemetry_pipeline.proxies import proxy_for
from telemetry_pipeline.settings import Settings

TRIES = 3
MAX_IN_FLIGHT = 8
_TIMEOUT = urllib3.Timeout(connect=5, read=30)
_TRANSIENT_STATUSES = frozenset({408, 429})

_log = logging.getLogger("telemetry_pipeline.panaccess")
_current_try = ContextVar("_current_try", default=1)


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
    """

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        store: SessionStore | None = None,
        encoding: Encoding = "json",
        records_function: str = "getListOfTelemetryRecords",
        timeout: urllib3.Timeout = _TIMEOUT,
        retry_seconds: float = 1.0,
    ) -> None:
        self.records_function = records_function
        self._url = url
        self._credentials = credentials
        self._encoding = encoding
        self._retry_seconds = retry_seconds
        self._http = _connections(url, timeout)
        self._session = Session(store or LocalStore(), credentials.fingerprint(url), self._login)

    @classmethod
    def from_settings(cls, settings: Settings, *, shared: bool = False) -> PanAccessClient:
        """The client that the settings describe; *shared* keeps its session in Redis, for all workers."""
        return cls(
            settings.panaccess_url,
            Credentials(
                settings.panaccess_username,
                settings.panaccess_password.get_secret_value(),
                settings.panaccess_api_token.get_secret_value(),
                settings.panaccess_salt.get_secret_value(),
            ),
            store=RedisStore(settings.redis_url.get_secret_value()) if shared else None,
            encoding=settings.panaccess_encoding,
            records_function=settings.panaccess_records_function,
        )

    def check(self) -> None:
        """Log in once and ask whether the session is alive.

        :raises PanAccessError: unreachable, refused, or not the API.
        """
        if not self._is_alive(self._session.current()):
            raise PanAccessError("PanAccess gave a session and then called it dead")

    def call(self, function: str, parameters: Mapping[str, Any], decode: Callable[[bytes], R], *, tries: int = TRIES) -> R:
        """Call a function in the shared session.

        :param tries: how often a transient failure is tried at most, with growing delays.
        :raises PanAccessUnavailable: no answer, or a transient error, after all tries.
        :raises LoginRejected, PermissionDenied, MalformedAnswer, PanAccessError: at once.
        """
        for attempt in Retrying(
            retry=retry_if_exception_type(PanAccessUnavailable),
            stop=stop_after_attempt(tries),
            wait=wait_exponential(multiplier=self._retry_seconds) + wait_random(0, self._retry_seconds),
            reraise=True,
        ):
            with attempt:
                _current_try.set(attempt.retry_state.attempt_number)
                reply = self._call_in_session(function, parameters, decode)
        return reply

    def _call_in_session(self, function: str, parameters: Mapping[str, Any], decode: Callable[[bytes], R]) -> R:
        session = self._session.current()
        reply = decode(self._post(function, {**parameters, "sessionId": session}))
        if self._has_ended(session, reply):
            session = self._session.renew(dead=session)
            reply = decode(self._post(function, {**parameters, "sessionId": session}))
            if self._has_ended(session, reply):
                raise PanAccessUnavailable(f"PanAccess ended the session twice during {function}")
        if reply.error is None:
            return reply
        problem = f"PanAccess refused {function}: {reply.error.problem}"
        if reply.error.errorCode in TRANSIENT_CODES:
            raise PanAccessUnavailable(problem)
        raise PermissionDenied(problem) if reply.error.looks_like_permission else PanAccessError(problem)

    def _has_ended(self, session: str, reply: Reply) -> bool:
        return reply.error is not None and reply.error.looks_like_permission and not self._is_alive(session)

    def _is_alive(self, session: str) -> bool:
        answer = _decode_answer(self._post("cvLoggedIn", {"sessionId": session}))
        return answer.error is None and answer.value in (True, "true")

    def _login(self) -> str:
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
        if answer.error and answer.error.errorCode in TRANSIENT_CODES:
            raise PanAccessUnavailable(f"PanAccess could not log in: {answer.error.problem}")
        if answer.error or not isinstance(answer.value, str) or answer.value in ("", "false"):
            reason = answer.error.problem if answer.error else "no session was given"
            raise LoginRejected(
                f"PanAccess rejected the login of {self._credentials.username!r} ({reason}); check PANACCESS_USERNAME, "
                "PANACCESS_PASSWORD, PANACCESS_API_TOKEN and PANACCESS_SALT"
            )
        return answer.value

    def _post(self, function: str, parameters: Mapping[str, Any]) -> bytes:
        host = urlsplit(self._url).netloc.rpartition("@")[2]
        began = time.monotonic()
        try:
            response = self._http.request(
                "POST",
                f"{self._url}?f={function}&requestMode=function",
                body=encode_form(parameters, self._encoding),
                headers={"Content-Type": "application/x-www-form-urlencoded"},
            )
        except urllib3.exceptions.HTTPError as err:
            _log_call(function, began, problem=_reason(err))
            raise PanAccessUnavailable(f"PanAccess at {host} did not answer {function}: {_reason(err)}") from err
        _log_call(function, began, status=response.status, size=len(response.data))
        if response.status >= 500 or response.status in _TRANSIENT_STATUSES:
            raise PanAccessUnavailable(f"PanAccess at {host} answered {function} with HTTP {response.status}")
        if response.status != 200:
            raise MalformedAnswer(
                f"PanAccess at {host} answered {function} with HTTP {response.status}; is PANACCESS_URL right?",
                raw_text(response.data),
            )
        return response.data


def _connections(url: str, timeout: urllib3.Timeout) -> urllib3.PoolManager:
    """Connections to the API, by the proxy that the environment names for it, if it names one.

    :raises SettingsError: that is none that can be used.
    """
    proxy = proxy_for(url)
    if proxy is None:
        return urllib3.PoolManager(maxsize=MAX_IN_FLIGHT, timeout=timeout, retries=False)
    try:
        who = urllib3.util.parse_url(proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=unquote(who)) if who else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, maxsize=MAX_IN_FLIGHT, timeout=timeout, retries=False)
    except (urllib3.exceptions.HTTPError, ValueError):
        raise SettingsError(
            f"the environment names {shown(proxy)} as the proxy for {shown(url)}; expected http://host:port in HTTP_PROXY or "
            "HTTPS_PROXY, or PanAccess's host in NO_PROXY"
        ) from None


def _reason(err: urllib3.exceptions.HTTPError) -> str:
    """The failure without the memory addresses that urllib3 writes in front of it."""
    return str(err).rpartition(">: ")[2] or type(err).__name__


def _log_call(function: str, began: float, *, status: int | None = None, size: int = 0, problem: str | None = None) -> None:
    """One line a call; parameters and answers hold sessions and people's data, so nothing of them is on it.

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
