"""One request to the API and its whole answer: within so many bytes, and until a moment, whatever is at the other end."""

from __future__ import annotations

import http.client
import io
import logging
import socket
import time
from typing import Any, cast
from urllib.parse import unquote

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

from telemetry_pipeline.addresses import shown
from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.proxies import proxy_for

MAX_IN_FLIGHT = 8

_CONNECT_SECONDS = 5.0
_PIECE_BYTES = 1_000_000
_ENCODINGS = frozenset({"", "identity", "gzip", "x-gzip", "deflate"})

# It writes what the other side sent as headers.
logging.getLogger("urllib3.connection").setLevel(logging.ERROR)


class Failed(Exception):
    """There is no answer: no connection, a lost one, or none in time. The text may quote the other side."""


class TooLarge(Exception):
    """The answer has more bytes than are read, as they came or unpacked.

    :ivar beginning: of the body.
    """

    def __init__(self, beginning: bytes) -> None:
        super().__init__()
        self.beginning = beginning


class Transport:
    """Connections to the API, by the proxy that the environment names for it, if it names one.

    :param max_bytes: of one answer, head included.
    :raises SettingsError: the environment's proxy is none that can be used.
    """

    def __init__(self, url: str, max_bytes: int) -> None:
        self._url = url
        self._max_bytes = max_bytes
        self._pools = _pools(url)
        self._pools.pool_classes_by_scheme = _pool_classes(max_bytes)

    def post(self, query: str, form: str, seconds: float) -> tuple[int, bytes]:
        """Send a form, and give the answer's status and body.

        :param seconds: for all of it: connecting, sending, and every byte of the answer.
        :raises Failed: transient.
        :raises TooLarge: at once, without reading the rest.
        """
        if seconds <= 0:
            raise Failed("no time is left")
        body = bytearray()
        try:
            response = self._pools.request(
                "POST",
                f"{self._url}?{query}",
                body=form,
                headers={"Content-Type": "application/x-www-form-urlencoded"},
                timeout=urllib3.Timeout(connect=_CONNECT_SECONDS, total=seconds),
                retries=False,
                preload_content=False,
            )
            try:
                # What was not asked for is not unpacked by whatever library may be there: not all of them can be told to stop.
                encodings = {each.strip().lower() for each in response.headers.get("content-encoding", "").split(",")}
                for piece in response.stream(_PIECE_BYTES, decode_content=encodings <= _ENCODINGS):
                    body += piece
                    if len(body) > self._max_bytes:
                        raise TooLarge(bytes(body))
            except BaseException:
                response.close()
                raise
        except urllib3.exceptions.HTTPError as err:
            raise Failed(_reason(err)) from err
        except _TooMuch as err:
            raise TooLarge(bytes(body)) from err
        response.release_conn()
        return response.status, bytes(body)


class _TooMuch(Exception):
    """More bytes came than one answer may have."""


class _Bounded(io.RawIOBase):
    """What comes in on a socket. The time that the socket is given for one look is the time for all of them.

    An answer's head, its chunks' sizes and its body are all read through here: urllib3's time-outs begin anew with every byte.
    """

    def __init__(self, connection: socket.socket, max_bytes: int) -> None:
        self._socket = connection
        self._raw = connection.makefile("rb", buffering=0)
        self._ends_at = time.monotonic() + (connection.gettimeout() or 0.0)
        self._left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        seconds = self._ends_at - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("timed out")
        self._socket.settimeout(seconds)
        count = cast(io.RawIOBase, self._raw).readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise _TooMuch
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()


def _pools(url: str) -> urllib3.PoolManager:
    proxy = proxy_for(url)
    if proxy is None:
        return urllib3.PoolManager(maxsize=MAX_IN_FLIGHT)
    try:
        who = urllib3.util.parse_url(proxy).auth
        headers = urllib3.make_headers(proxy_basic_auth=unquote(who)) if who else None
        return urllib3.ProxyManager(proxy, proxy_headers=headers, maxsize=MAX_IN_FLIGHT)
    except (urllib3.exceptions.HTTPError, ValueError):
        raise SettingsError(
            f"the environment names {shown(proxy)} as the proxy for {shown(url)}; expected http://host:port in HTTP_PROXY or "
            "HTTPS_PROXY, or PanAccess's host in NO_PROXY"
        ) from None


def _pool_classes(max_bytes: int) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """urllib3's own, with connections whose answers are bounded."""

    class Answer(http.client.HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp.close()
            self.fp = io.BufferedReader(_Bounded(sock, max_bytes))

    class Plain(HTTPConnection):
        response_class = Answer

    class Encrypted(HTTPSConnection):
        response_class = Answer

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def _reason(err: urllib3.exceptions.HTTPError) -> str:
    """The failure without the memory addresses that urllib3 writes in front of it."""
    return str(err).rpartition(">: ")[2] or type(err).__name__
