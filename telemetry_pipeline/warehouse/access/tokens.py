"""Tokens of programs: each with a name and a role. What opens the door is shown once; its hash is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.suggestions import instead
from telemetry_pipeline.warehouse.access import audit
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.names import checked_name
from telemetry_pipeline.warehouse.access.role import Role

_PREFIX = "tp_"
_COLUMNS = "name, role, personal, created_at, revoked_at, last_used_at"
_ALL = sa.text(f"select {_COLUMNS} from telemetry.api_tokens order by name")
_FIND = sa.text(f"""
    select {_COLUMNS}, coalesce(last_used_at < now() - interval '1 minute', true) as is_to_be_noted
    from telemetry.api_tokens where token_hash = :token_hash and revoked_at is null
""")
_USED = sa.text("update telemetry.api_tokens set last_used_at = now() where token_hash = :token_hash")
_ADD = sa.text("""
    insert into telemetry.api_tokens (name, token_hash, role, personal) values (:name, :token_hash, :role, :personal)
    on conflict do nothing
""")
_REVOKE = sa.text("update telemetry.api_tokens set revoked_at = now() where name = :name and revoked_at is null")


@dataclass(frozen=True)
class Token:
    """What a program shows, but for its secret."""

    name: str
    role: Role
    personal: bool
    created_at: datetime
    revoked_at: datetime | None
    last_used_at: datetime | None


def digest(secret: str) -> bytes:
    """Return by what a secret of 256 random bits is known again; slower hashes are for what people think up."""
    return hashlib.sha256(secret.encode()).digest()


def find_all(connection: sa.Connection) -> list[Token]:
    """Return all of them, revoked ones too, by name."""
    return [_token(row) for row in connection.execute(_ALL)]


def find(connection: sa.Connection, secret: str) -> Token | None:
    """Return whose that secret is, unless it was revoked."""
    row = connection.execute(_FIND, {"token_hash": digest(secret)}).one_or_none()
    if row is None:
        return None
    if row.is_to_be_noted:
        connection.execute(_USED, {"token_hash": digest(secret)})
    return _token(row)


def add(connection: sa.Connection, actor: Actor, name: str, role: Role, *, personal: bool) -> str:
    """Make one; returns its secret, which nobody can say again.

    :raises RequestRefused: the name is taken or cannot be.
    """
    name, secret = checked_name(name), _PREFIX + secrets.token_urlsafe(32)
    values = {"name": name, "token_hash": digest(secret), "role": role, "personal": personal}
    if not connection.execute(_ADD, values).rowcount:
        raise RequestRefused(f"there is a token {name} already, or was", "take another name")
    audit.write(connection, actor, "token added", token=name, role=role, personal=personal)
    return secret


def revoke(connection: sa.Connection, actor: Actor, name: str) -> None:
    """Have it open nothing any more.

    :raises RequestRefused: there is no such token, or it was revoked before.
    """
    if not connection.execute(_REVOKE, {"name": name.lower()}).rowcount:
        valid = [token.name for token in find_all(connection) if token.revoked_at is None]
        raise RequestRefused(f"there is no token {name!r} that is valid", instead(name, valid) if valid else "")
    audit.write(connection, actor, "token revoked", token=name.lower())


def _token(row: sa.Row[Any]) -> Token:
    return Token(row.name, Role(row.role), row.personal, row.created_at, row.revoked_at, row.last_used_at)
