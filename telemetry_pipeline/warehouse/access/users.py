"""The users of the front door. Each change ends the sessions that were opened before it, and is on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.suggestions import instead
from telemetry_pipeline.warehouse.access import attempts, audit, passwords
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.access.names import checked_name
from telemetry_pipeline.warehouse.access.role import Role

_COLUMNS = "name, role, personal, created_at, disabled_at"
_ALL = sa.text(f"select {_COLUMNS} from telemetry.users order by name")
_ADD = sa.text("""
    insert into telemetry.users (name, password_hash, role, personal) values (:name, :password_hash, :role, :personal)
    on conflict do nothing
""")
_CHANGE = {
    "password_hash": sa.text("update telemetry.users set password_hash = :value where name = :name"),
    "role": sa.text("update telemetry.users set role = :value where name = :name"),
    "personal": sa.text("update telemetry.users set personal = :value where name = :name"),
    "disabled": sa.text("""
        update telemetry.users set disabled_at = case when :value then coalesce(disabled_at, now()) end where name = :name
    """),
}
_END_SESSIONS = sa.text("delete from telemetry.web_sessions where name = :name")


@dataclass(frozen=True)
class User:
    """Somebody who may log in, unless they are disabled."""

    name: str
    role: Role
    personal: bool
    created_at: datetime
    disabled_at: datetime | None


def find_all(connection: sa.Connection) -> list[User]:
    """Return all of them, by name."""
    return [User(**{**row._mapping, "role": Role(row.role)}) for row in connection.execute(_ALL)]


def add(connection: sa.Connection, actor: Actor, name: str, password: str, role: Role, *, personal: bool) -> str:
    """Make one; returns the name as it is stored.

    :raises RequestRefused: the name is taken or cannot be, or the password is too easy.
    """
    name = checked_name(name)
    values = {"name": name, "password_hash": passwords.hashed(password, name), "role": role, "personal": personal}
    if not connection.execute(_ADD, values).rowcount:
        raise RequestRefused(f"there is a user {name} already", f"change it with 'telemetry-pipeline users password {name}'")
    audit.write(connection, actor, "user added", user=name, role=role, personal=personal)
    return name


def set_password(connection: sa.Connection, actor: Actor, name: str, password: str) -> None:
    """Give a user another password.

    :raises RequestRefused: there is no such user, or the password is too easy.
    """
    _change(connection, name, "password_hash", passwords.hashed(password, name.lower()))
    attempts.forget(connection, name.lower())
    audit.write(connection, actor, "password changed", user=name.lower())


def set_role(connection: sa.Connection, actor: Actor, name: str, role: Role, *, personal: bool) -> None:
    """Say anew what a user may do.

    :raises RequestRefused: there is no such user.
    """
    _change(connection, name, "role", role)
    _change(connection, name, "personal", personal)
    audit.write(connection, actor, "role changed", user=name.lower(), role=role, personal=personal)


def set_disabled(connection: sa.Connection, actor: Actor, name: str, disabled: bool) -> None:
    """Shut a user out, or let it in again.

    :raises RequestRefused: there is no such user.
    """
    _change(connection, name, "disabled", disabled)
    attempts.forget(connection, name.lower())
    audit.write(connection, actor, "user disabled" if disabled else "user enabled", user=name.lower())


def _change(connection: sa.Connection, name: str, what: str, value: object) -> None:
    if not connection.execute(_CHANGE[what], {"name": name.lower(), "value": value}).rowcount:
        raise RequestRefused(f"there is no user {name!r}", _instead(connection, name))
    connection.execute(_END_SESSIONS, {"name": name.lower()})


def _instead(connection: sa.Connection, name: str) -> str:
    names = [user.name for user in find_all(connection)]
    return instead(name, names) if names else "add one with 'telemetry-pipeline users add'"
