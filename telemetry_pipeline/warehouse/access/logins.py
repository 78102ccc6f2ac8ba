"""Logging in and out: what is looked up, counted and put on record. It takes long; nobody calls it where others wait."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from telemetry_pipeline.warehouse.access import attempts, audit, passwords, sessions
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.names import OWNER, is_name

_USER = sa.text("select name, password_hash, disabled_at from telemetry.users where name = :name")


@dataclass(frozen=True)
class Answer:
    """What came of an attempt.

    :ivar secret: of the session; None: it was rejected.
    :ivar wait_seconds: after which somebody may try again; 0: at once.
    """

    secret: str | None = None
    wait_seconds: int = 0


def log_in(engine: sa.Engine, name: str, password: str, *, address: str, hours: float) -> Answer:
    """Let a user in whose name and password are right. Nothing tells whether a wrong name or a wrong password was given.

    :param hours: how long the session lasts.
    """
    name = name.strip().lower()
    with engine.begin() as connection:
        if wait := attempts.begin(connection, name, address):
            return Answer(wait_seconds=wait)
        user = connection.execute(_USER, {"name": name}).one_or_none() if is_name(name) else None
    right = passwords.fits(user.password_hash if user else None, password)
    with engine.begin() as connection:
        secret = sessions.open_for(connection, name, user.password_hash, hours) if right and user else None
        if secret is None:
            # What is no user's name may be somebody's password.
            audit.write(connection, Actor(user.name if user else "", "nobody", address), "log-in failed")
        else:
            attempts.forget(connection, name)
            audit.write(connection, Actor(name, "session", address), "log-in")
    return Answer(secret)


def let_owner_in(engine: sa.Engine, owner_token: str, *, address: str, hours: float) -> str:
    """Begin a session for whoever showed the WEB_TOKEN of a local stack; returns its secret."""
    with engine.begin() as connection:
        audit.write(connection, Actor(OWNER, "session", address), "log-in by link")
        return sessions.open_for_owner(connection, owner_token, hours)


def log_out(engine: sa.Engine, secret: str, actor: Actor) -> None:
    """End a session."""
    with engine.begin() as connection:
        sessions.end(connection, secret)
        audit.write(connection, actor, "log-out")


def forget(engine: sa.Engine, secret: str) -> None:
    """End a session that another one takes the place of."""
    with engine.begin() as connection:
        sessions.end(connection, secret)
