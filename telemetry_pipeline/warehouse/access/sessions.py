"""Who is logged in. A session is a row, so that it has ended everywhere once the row is gone."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import sqlalchemy as sa

from telemetry_pipeline.warehouse.access.names import OWNER
from telemetry_pipeline.warehouse.access.role import Role
from telemetry_pipeline.warehouse.access.tokens import digest

_OPEN = sa.text("""
    insert into telemetry.web_sessions (session_hash, name, expires_at)
    select :session_hash, name, now() + make_interval(secs => :seconds) from telemetry.users
    where name = :name and password_hash = :password_hash and disabled_at is null
""")
_OPEN_FOR_OWNER = sa.text("""
    insert into telemetry.web_sessions (session_hash, owner_hash, expires_at)
    values (:session_hash, :owner_hash, now() + make_interval(secs => :seconds))
""")
_FIND = sa.text("""
    select users.name, users.role, users.personal from telemetry.web_sessions left join telemetry.users using (name)
    where session_hash = :session_hash and expires_at > now()
      and (owner_hash = :owner_hash or (users.name is not null and disabled_at is null))
""")
_END = sa.text("delete from telemetry.web_sessions where session_hash = :session_hash")
_DELETE_EXPIRED = sa.text("delete from telemetry.web_sessions where expires_at < now()")


@dataclass(frozen=True)
class Session:
    """Whose it is."""

    name: str
    role: Role
    personal: bool


def open_for(connection: sa.Connection, name: str, password_hash: str, hours: float) -> str | None:
    """Begin one for a user; returns its secret.

    :param password_hash: what the password was compared with.
    :returns: None if the user was disabled or has another password by now.
    """
    secret = secrets.token_urlsafe(32)
    values = {"session_hash": digest(secret), "name": name, "password_hash": password_hash, "seconds": hours * 3600}
    return secret if connection.execute(_OPEN, values).rowcount else None


def open_for_owner(connection: sa.Connection, owner_token: str, hours: float) -> str:
    """Begin one for the owner of a local stack; returns its secret.

    :param owner_token: the WEB_TOKEN: with the next one the session has ended.
    """
    secret = secrets.token_urlsafe(32)
    values = {"session_hash": digest(secret), "owner_hash": digest(owner_token), "seconds": hours * 3600}
    connection.execute(_OPEN_FOR_OWNER, values)
    return secret


def find(connection: sa.Connection, secret: str, owner_token: str | None) -> Session | None:
    """Return whose session that is, if it is still going on.

    :param owner_token: the WEB_TOKEN of this start; None: there is none.
    """
    values = {"session_hash": digest(secret), "owner_hash": None if owner_token is None else digest(owner_token)}
    row = connection.execute(_FIND, values).one_or_none()
    if row is None:
        return None
    if row.name is None:
        return Session(OWNER, Role.OPERATOR, True)
    return Session(row.name, Role(row.role), row.personal)


def end(connection: sa.Connection, secret: str) -> None:
    """End it, if it has not ended yet."""
    connection.execute(_END, {"session_hash": digest(secret)})


def delete_expired(connection: sa.Connection) -> None:
    """Delete those whose time is over."""
    connection.execute(_DELETE_EXPIRED)
