"""What keeps tools that read from being in the way: they write nothing, no question lasts, and they are not many at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.warehouse.roles.ddl import Statement, pairs

LIMITS: Mapping[str, str] = {
    "default_transaction_read_only": "on",
    "statement_timeout": "60s",
    "idle_in_transaction_session_timeout": "60s",
}
"""Settings of PostgreSQL that the role gets. It hands them to none of its members: docs/bi.md tells what those are given."""

CONNECTIONS = 20

_SET = sa.text("""
    select split_part(setting, '=', 1), split_part(setting, '=', 2)
    from pg_db_role_setting join pg_roles on pg_roles.oid = setrole, unnest(setconfig) as setting
    where rolname = :role and setdatabase in (0, (select oid from pg_database where datname = current_database()))
""")
_UNBOUNDED = sa.text("select coalesce(bool_and(rolconnlimit = -1), true) from pg_roles where rolname = :role")


def limiting(connection: sa.Connection, role: str) -> Iterator[Statement]:
    """Yield what a role lacks of limits, whether it is there or not; what somebody has set otherwise stays."""
    name = sql.Identifier(role)
    if connection.scalar(_UNBOUNDED, {"role": role}):
        yield sql.SQL("alter role {} connection limit {}").format(name, sql.Literal(CONNECTIONS))
    found = pairs(connection, _SET, role=role)
    for setting, value in LIMITS.items():
        if setting not in found:
            yield sql.SQL("alter role {} set {} = {}").format(name, sql.Identifier(setting), sql.Literal(value))
