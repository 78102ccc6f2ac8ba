"""One request to the API and its whole answer: within so many bytes, and until a moment, whatever is at the other end."""

from __future__ import annotations

import logging
import math
import re
from urllib.parse import unquote

import urllib3

from telemetry_pipeline.bounded import TooMuch, pool_classes
from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.settings.addresses import shown
from telemetry_pipeline.settings.proxies import proxy_for

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
        self._pools.pool_classes_by_scheme = pool_classes(max_bytes)

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
                if encodings <= {"", "identity"} and (response.length_remaining or math.inf) <= self._max_bytes:
                    # Piece by piece it takes three times as long.
                    body += response.read(decode_content=False)
                for piece in response.stream(_PIECE_BYTES, decode_content=encodings <= _ENCODINGS):
                    body += piece
                    if len(body) > self._max_bytes:
                        raise TooLarge(bytes(body))
            except BaseException:
                response.close()
                raise
        except urllib3.exceptions.HTTPError as err:
            raise Failed(_reason(err)) from err
        except TooMuch as err:
            raise TooLarge(bytes(body)) from err
        response.release_conn()
        return response.status, bytes(body)


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
            f"the environment names {shown(proxy)} as the proxy for {shown(url)}",
            "expected http://host:port in HTTP_PROXY or HTTPS_PROXY, or PanAccess's host in NO_PROXY",
        ) from None


def _reason(err: urllib3.exceptions.HTTPError) -> str:
    """Return the failure without what urllib3 writes of its own objects in front of it, and of its clock behind."""
    text = re.sub(r"^\w+Pool\([^)]*\): | \(\w+ timeout=[\d.]+\)$", "", str(err).rpartition(">: ")[2])
    return text or type(err).__name__
