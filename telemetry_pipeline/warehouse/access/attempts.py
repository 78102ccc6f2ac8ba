"""How often somebody may try to log in: so many times in a quarter of an hour for a name, and from an address.

In PostgreSQL, so that neither a restart nor a second process forgets.
"""

from __future__ import annotations

import math
from ipaddress import ip_address, ip_network

import sqlalchemy as sa

from telemetry_pipeline.warehouse.access.tokens import digest
from telemetry_pipeline.warehouse.db.connections import lock

PER_NAME, PER_ADDRESS = 10, 50
WINDOW_SECONDS = 900

_DELETE_OLD = sa.text("delete from telemetry.login_attempts where attempted_at < now() - make_interval(secs => :window)")
# When the attempt goes out of the window that fills it.
_WAIT = sa.text("""
    select extract(epoch from max(filled.attempted_at) - now()) + :window from (
        (select attempted_at from telemetry.login_attempts where name_hash = :name_hash
         order by attempted_at desc offset :per_name - 1 limit 1)
        union all
        (select attempted_at from telemetry.login_attempts where address = :address
         order by attempted_at desc offset :per_address - 1 limit 1)
    ) as filled
""")
_BEGIN = sa.text("insert into telemetry.login_attempts (name_hash, address) values (:name_hash, :address)")
_FORGET = sa.text("delete from telemetry.login_attempts where name_hash = :name_hash")


def begin(connection: sa.Connection, name: str, address: str) -> int:
    """Count an attempt, before anybody knows how it ends: many at once are as many.

    :returns: how many seconds to wait if that is one too many, which then is not counted; else 0.
    """
    lock(connection, "log-ins")
    connection.execute(_DELETE_OLD, {"window": WINDOW_SECONDS})
    who = {"name_hash": digest(name), "address": _neighbourhood(address)}
    limits = {"window": WINDOW_SECONDS, "per_name": PER_NAME, "per_address": PER_ADDRESS}
    wait: float | None = connection.scalar(_WAIT, who | limits)
    if wait is not None:
        return max(1, math.ceil(wait))
    connection.execute(_BEGIN, who)
    return 0


def forget(connection: sa.Connection, name: str) -> None:
    """Count nothing of that name any more: it came in, or somebody vouches for it."""
    connection.execute(_FORGET, {"name_hash": digest(name)})


def _neighbourhood(address: str) -> str:
    """Return the address, or the network of IPv6 of which everybody has as many addresses as they like."""
    try:
        if ip_address(address).version == 6:
            return str(ip_network(f"{address.partition('%')[0]}/64", strict=False))
    except ValueError:
        return ""
    return address
