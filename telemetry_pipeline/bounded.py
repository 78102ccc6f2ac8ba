"""Connections whose answers end, after so many bytes, or after the time for reading them: those of urllib3, and so of requests,
and any socket's.

By themselves a time-out begins anew with every byte, and an answer may have as many as there are.
"""

from __future__ import annotations

import io
import socket
import time
from http.client import HTTPResponse  # noqa: TID251 - what urllib3 reads answers by
from pathlib import Path
from typing import Any, cast

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError


class TooMuch(Exception):
    """More bytes came than one answer may have."""


def pool_classes(
    max_bytes: int, *, unpack: bool = True, unix_socket: Path | None = None
) -> dict[str, type[urllib3.HTTPConnectionPool]]:
    """Return urllib3's own by the scheme of an address, with answers of at most so many bytes, head included, as they come.

    :param unpack: False for who reads an answer whole: nobody is asked to pack one, and one that is packed stays so.
    :param unix_socket: to which connections go, whatever the host and port of an address without TLS.
    """

    class Answer(HTTPResponse):
        def __init__(self, sock: socket.socket, *arguments: Any, **named: Any) -> None:
            super().__init__(sock, *arguments, **named)
            self.fp.close()
            self.fp = reading(sock, max_bytes)

        def begin(self) -> None:
            super().begin()
            if not unpack:
                del self.headers["Content-Encoding"]

    class Asking:
        def putheader(self, header: str, *values: Any) -> None:
            asks = header.lower() == "accept-encoding" and not unpack
            super().putheader(header, *(("identity",) if asks else values))  # type: ignore[misc]

    class Plain(Asking, HTTPConnection):  # type: ignore[misc]
        response_class = Answer

        def _new_conn(self) -> socket.socket:
            if unix_socket is None:
                return super()._new_conn()
            try:
                return _connected(unix_socket, self.timeout)
            except OSError as err:
                raise NewConnectionError(self, f"connection refused by {unix_socket}: {err.strerror}") from err

    class Encrypted(Asking, HTTPSConnection):  # type: ignore[misc]
        response_class = Answer

    class PlainPool(urllib3.HTTPConnectionPool):
        ConnectionCls = Plain

    class EncryptedPool(urllib3.HTTPSConnectionPool):
        ConnectionCls = Encrypted

    return {"http": PlainPool, "https": EncryptedPool}


def reading(connection: socket.socket, max_bytes: int) -> io.BufferedReader:
    """Return what reads from a socket, all in all in the time that the socket is given for one look, and so many bytes.

    Reading raises :class:`TooMuch` beyond them, and ``TimeoutError``.
    """
    return io.BufferedReader(_Bounded(connection, max_bytes))


def _connected(path: Path, timeout: float | None) -> socket.socket:
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(timeout)
    try:
        connection.connect(str(path))
    except BaseException:
        connection.close()
        raise
    return connection


class _Bounded(io.RawIOBase):
    """What comes in on a socket. The time that the socket is given for one look is the time for all of them.

    An answer's head, its chunks' sizes and its body are all read through here.
    """

    def __init__(self, connection: socket.socket, max_bytes: int) -> None:
        self._socket = connection
        self._raw = connection.makefile("rb", buffering=0)
        seconds = connection.gettimeout()
        self._ends_at = None if seconds is None else time.monotonic() + seconds
        self._left = max_bytes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if self._ends_at is not None:
            seconds = self._ends_at - time.monotonic()
            if seconds <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(seconds)
        count = cast(io.RawIOBase, self._raw).readinto(buffer)
        self._left -= count or 0
        if self._left < 0:
            raise TooMuch
        return count

    def close(self) -> None:
        self._raw.close()
        super().close()
