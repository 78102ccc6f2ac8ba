"""What users and tokens can be called."""

from __future__ import annotations

import re

from telemetry_pipeline.errors import RequestRefused

OWNER = "owner"
"""As whom the owner of a local stack comes in, who is no user."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._@+-]{0,63}")


def is_name(name: str) -> bool:
    """Return whether somebody can be called that, in small letters."""
    return bool(_NAME.fullmatch(name)) and name != OWNER


def checked_name(name: str) -> str:
    """Return a name of a user or a token as it is stored, in small letters.

    :raises RequestRefused: it is none.
    """
    if not is_name(name.lower()):
        raise RequestRefused(
            f"{name!r} cannot be a name",
            "it has up to 64 letters a to z, digits and . _ @ + -, begins with one of the former, and is not owner",
        )
    return name.lower()
