"""What a child process takes over from this one's environment: what programs and libraries go by.

The rest may be anybody's secrets.
"""

from __future__ import annotations

import os

_NAMES = ("PATH", "HOME", "USER", "LOGNAME", "LANG", "TZ", "TZDIR", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "VIRTUAL_ENV")
_BEGINNINGS = ("LC_", "PYTHON", "SSL_", "REQUESTS_CA_", "CURL_CA_", "OMP_", "MALLOC_", "MPL")
_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "grpc_proxy", "no_proxy", "no_grpc_proxy")


def surroundings(*beginnings: str) -> dict[str, str]:
    """Return the variables that any process may have.

    :param beginnings: of the names of others that it may have, too.
    """
    kept = (*_BEGINNINGS, *beginnings)
    return {name: value for name, value in os.environ.items() if name in _NAMES or name.startswith(kept)}


def proxies() -> dict[str, str]:
    """Return the variables that name proxies, with their passwords, and what is reached without."""
    return {name: value for name, value in os.environ.items() if name.lower() in _PROXIES}
