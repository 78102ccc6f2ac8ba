"""The ways of telling people that ``ALERT_URLS`` names.

What is said here about a channel never holds a secret of its address.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

import apprise
from urllib3 import poolmanager

from telemetry_pipeline.bounded import pool_classes

_TIMEOUT_SECONDS = 20.0
_MAX_BYTES = 1_000_000
# Apprise pauses between two messages, by default so long that several problems at once would keep the watch from looking.
_PAUSE_SECONDS = 1.0

# What Apprise writes may hold parts of addresses; what is worth knowing of it is in the deliveries.
logging.getLogger("apprise").propagate = False

_ASSET = apprise.AppriseAsset(app_id="Telemetry Pipeline", app_desc="Telemetry Pipeline", app_url="")


@dataclass(frozen=True)
class Delivery:
    """What became of a message on one channel.

    :ivar channel: its address without secrets.
    :ivar error: why it did not take the message; None when it did.
    """

    channel: str
    error: str | None


def bound_answers() -> None:
    """Have no service answer this process without end: Apprise reads it whole. Whatever in it uses requests is bounded, too."""
    poolmanager.pool_classes_by_scheme.update(pool_classes(_MAX_BYTES, unpack=False))


class Channel:
    """One address.

    :ivar name: the address without secrets.
    :ivar understood: whether Apprise knows what to do with it; if not, every message fails.
    :ivar in_clear: whether its password or token goes over the network unencrypted.
    """

    def __init__(self, url: str) -> None:
        self._apprise = apprise.Apprise(asset=_ASSET)
        server = apprise.Apprise.instantiate(_divided(url), asset=_ASSET, suppress_exceptions=True)
        self.understood = server is not None
        self.in_clear = server is not None and _in_clear(server)
        self._server: Any = None
        self._shortens = True
        self.name = f"{_scheme(url)}..."
        if server is not None:
            self.name = _without_secrets(server)
            server.request_rate_per_sec = min(server.request_rate_per_sec, _PAUSE_SECONDS)
            if server.overflow_mode is apprise.OverflowMode.UPSTREAM:
                # Should a message still be too long, it becomes several: a service refuses one that is.
                server.overflow_mode = apprise.OverflowMode.SPLIT
            else:
                self._shortens = False
            self._server = server
            self._apprise.add(server)
        known = set(_parts(self.name))
        # Longest first, or a part that is contained in another would tear it apart.
        self._secrets = sorted({part for part in _parts(url) if len(part) > 3 and part not in known}, key=len, reverse=True)

    def room(self, subject: str) -> int | None:
        """Return how many characters the service takes beside the subject; None for all that there are, as where the address
        itself says what becomes of long messages: ``overflow=``.
        """
        if self._server is None or not self._shortens:
            return None
        first_line = self._server.title_maxlen <= 0 or self._server.overflow_amalgamate_title
        most: int = self._server.body_maxlen - (len(subject) + 2 if first_line else 0)
        return max(1, most)

    def send(self, subject: str, body: str) -> Delivery:
        """Send one message, within a bounded time."""
        if not self.understood:
            return Delivery(self.name, "Apprise does not understand this address")
        if not body:
            subject, body = "", subject  # there was no room for both
        result = self._apprise.notify(
            body=body, title=subject, body_format="text", timeout=_TIMEOUT_SECONDS, log_level=logging.WARNING
        )
        if result:
            return Delivery(self.name, None)
        said = "; ".join(dict.fromkeys(entry.message for entry in result.logs())) or "it did not take the message"
        for secret in self._secrets:
            said = said.replace(secret, "***")
        return Delivery(self.name, " ".join(said.split()))


class Channels:
    """All of them; false when there are none.

    :param alert_urls: addresses, separated by blanks, lines or commas.
    """

    def __init__(self, alert_urls: str) -> None:
        self._channels = [Channel(url) for url in split(alert_urls)]
        for at, channel in enumerate(self._channels):
            if same := sum(other.name == channel.name for other in self._channels[:at]):
                channel.name += f" #{same + 1}"

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._channels)

    def __len__(self) -> int:
        return len(self._channels)


def split(alert_urls: str) -> list[str]:
    """Return the addresses, as Apprise divides them: a comma is between two of them only if the next one begins there, for one
    address may list people. What follows a blank and no comma is an address, too, or a mistake that has to be seen.
    """
    addresses = re.split(r"[\s,;]+(?=[a-z0-9]+://)", alert_urls.strip(" \t\r\n,;"), flags=re.IGNORECASE)
    return [part for address in addresses for part in re.split(r"(?<![,;\s])\s+", address) if part]


def _divided(url: str) -> str:
    """Return the address with nothing that parts a host from who logs in there but the last ``@``: Apprise takes the first."""
    scheme, _, rest = url.partition("://")
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    who, at, host = authority.rpartition("@")
    return url if "@" not in who else f"{scheme}://{who.replace('@', '%40')}{at}{host}{rest[len(authority) :]}"


def _in_clear(server: Any) -> bool:
    host = getattr(server, "host", None)
    here = not host or host in ("localhost", "::1") or host.startswith("127.")
    secret = any(getattr(server, name, None) for name in ("password", "token", "access_token", "headers"))
    return bool(server.protocol) and not server.secure and secret and not here


def _without_secrets(server: Any) -> str:
    # Apprise leaves the query as it is, which has headers of web hooks, and the path of generic ones, which is often the key.
    name: str = server.url(privacy=True).split("?")[0].rstrip("/")
    path = getattr(server, "fullpath", None)
    if path and path != "/":
        scheme, _, rest = name.partition("://")
        return f"{scheme}://{rest.partition('/')[0]}/***"
    return name


def _scheme(url: str) -> str:
    scheme, separator, _ = url.partition("://")
    return f"{scheme}://" if separator and scheme.isalnum() and len(scheme) <= 16 else "?://"


def _parts(url: str) -> list[str]:
    parts = [part for part in re.split(r"[/:@?&=#+]+", url) if part]
    return [*parts, *(unquote(part) for part in parts)]
