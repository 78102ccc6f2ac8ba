"""What goes through the proxies that the environment names, and what does not: PanAccess does, what is ours never.

gRPC and requests obey ``http_proxy`` for the loopback, too, where no proxy can help them; urllib3 obeys none by itself.
"""

from __future__ import annotations

import os
from collections.abc import MutableMapping
from urllib.parse import urlsplit

_VARIABLES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def keep_out(environment: MutableMapping[str, str] = os.environ) -> None:
    """Have this process and those that it starts reach without a proxy what is ours: loopback and web server.

    Every process passes here before it opens a connection, for the package does this when it is imported.
    """
    if not any(environment.get(name) or environment.get(name.upper()) for name in _VARIABLES):
        return
    webserver = environment.get("WEBSERVER_URL", "").partition("://")[2]
    ours = [*_LOOPBACK, _host(webserver)]
    given = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    # The star means everything, and only alone; gRPC does not know it.
    everywhere = given.strip() == "*"
    environment["no_proxy"] = environment["NO_PROXY"] = "*" if everywhere else _with(given, ours)
    environment["no_grpc_proxy"] = _with(environment.get("no_grpc_proxy") or ("" if everywhere else given), ours)


def proxy_for(url: str) -> str | None:
    """Return the proxy that the environment names for an address; None for none."""
    from requests.utils import get_environ_proxies, select_proxy  # noqa: PLC0415 - every process imports this module

    proxy: str | None = select_proxy(url, get_environ_proxies(url, no_proxy=None))
    return f"http://{proxy}" if proxy and "://" not in proxy else proxy


def _host(place: str) -> str:
    try:
        return urlsplit(f"//{place}").hostname or ""
    except ValueError:
        return ""


def _with(given: str, ours: list[str]) -> str:
    hosts = [host.strip() for host in given.split(",")]
    return ",".join(dict.fromkeys(host for host in [*hosts, *ours] if host))
