"""Where a request comes from, by what no browser can be made to lie about: the name that it asks for, the page that asks."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from urllib.parse import urlsplit

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
"""By which names everybody reaches the own machine."""

Origin = tuple[str, str, int | None]
"""What browsers mean by the origin of a page: scheme, host, port."""

_AUTHORITY = re.compile(r"([\w.-]+|\[[0-9a-f:.]+\])(:\d{1,5})?", re.ASCII | re.IGNORECASE)
_DEFAULT_PORTS = {"http": 80, "https": 443}


class OwnNames:
    """The names that a server goes by.

    :param urls: where people and programs reach it; the loopback is always among it.
    """

    def __init__(self, urls: Iterable[str]) -> None:
        self._origins = {origin(url) for url in urls}
        self._hosts = LOOPBACK | {host for _, host, _ in self._origins if host}

    def asked_for(self, hosts: Sequence[str]) -> str:
        """Return which of the names a request asks for, without port and brackets; empty if it is none of them.

        :param hosts: the headers ``Host`` of the request.
        """
        host = host_of(hosts[0]) if len(hosts) == 1 else ""
        return host if host in self._hosts else ""

    def is_foreign(self, authority: str, *, origins: Sequence[str], sites: Sequence[str]) -> bool:
        """Return whether a page from elsewhere asks. A program says nothing of pages, and is not foreign.

        :param authority: what the request asks for, as in its ``Host``.
        :param origins: its headers ``Origin``.
        :param sites: its headers ``Sec-Fetch-Site``.
        """
        if any(site not in ("same-origin", "none") for site in sites):
            return True
        return bool(origins) and not (len(origins) == 1 and self._is_own(origins[0], authority))

    def is_behind_tls(self, host: str) -> bool:
        """Return whether people open that name by ``https``."""
        return any(scheme == "https" and name == host for scheme, name, _ in self._origins)

    def _is_own(self, page: str, authority: str) -> bool:
        try:
            found = origin(page)
            # On the loopback whoever forwards a port chooses its number; any other port is another program's page.
            return found in self._origins or (host_of(authority) in LOOPBACK and found == origin(f"http://{authority}"))
        except ValueError:
            return False


def host_of(authority: str) -> str:
    """Return the name in a header ``Host``, without port and brackets; empty if it is none."""
    return _name(f"//{authority}") if _AUTHORITY.fullmatch(authority) else ""


def origin(url: str) -> Origin:
    """Return the origin of the page at a URL.

    :raises ValueError: it is no URL.
    """
    parts = urlsplit(url)
    return parts.scheme, _name(url), parts.port or _DEFAULT_PORTS.get(parts.scheme)


def _name(url: str) -> str:
    """Return the host in an address, each in one way of writing it; empty if there is none."""
    try:
        host = (urlsplit(url).hostname or "").removesuffix(".")
        return ip_address(host).compressed if ":" in host else host
    except ValueError:
        return ""
