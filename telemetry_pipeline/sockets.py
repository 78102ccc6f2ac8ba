"""The Unix sockets behind the front door: which there are, under which path each is served, how an address of one is written.

An address such as ``unix:/run/telemetry/operators.sock:/dagster`` names a socket and the path there, as nginx writes it.
"""

from __future__ import annotations

from pathlib import Path

DAGSTER_PATH = "/dagster"
"""Under which Dagster's web servers are, there and at the front door."""

FLOWER_PATH = "/flower"

OPERATORS = "operators.sock"
"""Of the web server that launches and changes what it is asked to."""

VIEWERS = "viewers.sock"
"""Of the one that only shows."""

FLOWER = "flower.sock"

_SCHEME = "unix:"


def address(directory: Path, name: str = OPERATORS) -> str:
    """Return how a web server's socket and its path are written."""
    return f"{_SCHEME}{directory / name}:{DAGSTER_PATH}"


def divided(url: str) -> tuple[Path | None, str]:
    """Return the socket that an address names, and an URL for what is said there; of any other address None, and the address
    itself.

    :raises ValueError: it begins like one, and is none.
    """
    if not url.startswith(_SCHEME):
        return None, url
    socket, _, path = url.removeprefix(_SCHEME).partition(":")
    if not (socket.startswith("/") and path.startswith("/")):
        raise ValueError("expected a socket and a path such as unix:/run/telemetry/operators.sock:/dagster")
    return Path(socket), f"http://localhost{path}"
