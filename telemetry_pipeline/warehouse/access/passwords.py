"""Passwords: what they have to be, what is stored of one, and whether one is right. It takes 50 ms and 64 MB, by design."""

from __future__ import annotations

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from telemetry_pipeline.errors import RequestRefused

SHORTEST, LONGEST = 12, 256

_hasher = PasswordHasher()


def hashed(password: str, name: str) -> str:
    """Return what is stored of it.

    :param name: of the user.
    :raises RequestRefused: it is too easy to guess; says what is asked for.
    """
    if not SHORTEST <= len(password) <= LONGEST:
        raise RequestRefused(f"a password has {SHORTEST} to {LONGEST} characters", "take a few words in a row")
    if len(set(password)) < 5 or name in password.lower():
        raise RequestRefused("that password is easy to guess", "take a few words in a row, and not the user's name")
    return _hasher.hash(password)


def fits(stored: str | None, password: str) -> bool:
    """Return whether it is the one.

    :param stored: what :func:`hashed` gave; None: there is no such user, which takes as long to say.
    """
    try:
        right = _hasher.verify(stored or _of_nobody(), password)
    except (VerificationError, InvalidHashError):
        return False
    return right and stored is not None


@functools.cache
def _of_nobody() -> str:
    return _hasher.hash(secrets.token_hex())
