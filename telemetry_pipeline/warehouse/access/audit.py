"""Who came in and who changed what: a row each, kept for AUDIT_RETENTION_DAYS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB

By = Literal["session", "token", "command", "nobody"]
"""What somebody showed: a session, a token, that they are at the machine, or nothing."""

_WRITE = sa.text("""
    insert into telemetry.audit (who, by, what, detail, address) values (:who, :by, :what, :detail, :address)
""").bindparams(sa.bindparam("detail", type_=JSONB))
_DELETE = sa.text("delete from telemetry.audit where at < now() - make_interval(days => :days)")


@dataclass(frozen=True)
class Actor:
    """Who does something.

    :ivar name: of the user or the token, or of the machine's user at the command line; empty: nobody known.
    :ivar address: where they are; empty: at the machine.
    """

    name: str
    by: By
    address: str = ""


def write(connection: sa.Connection, actor: Actor, what: str, **detail: Any) -> None:
    """Put something on record, in the transaction of the change itself.

    :param what: a few words, the same ones each time: ``log-in``, ``user added``.
    :param detail: what goes into JSON; no secret.
    """
    values = {"who": actor.name, "by": actor.by, "what": what, "detail": detail, "address": actor.address}
    connection.execute(_WRITE, values)


def delete_old(connection: sa.Connection, days: int) -> int:
    """Delete what is older than that; returns how many rows that were."""
    return connection.execute(_DELETE, {"days": days}).rowcount
