"""Users in whose errors PostgreSQL's log quotes no rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import sqlalchemy as sa
from psycopg import sql

from telemetry_pipeline.warehouse.roles.ddl import Statement, pairs

QUIET: Mapping[str, tuple[str, ...]] = {
    "log_min_messages": ("log", "fatal", "panic"),
    "log_error_verbosity": ("terse",),
    "log_min_error_statement": ("panic", "fatal", "log"),
    "log_parameter_max_length_on_error": ("0",),
}
"""With which values of its settings PostgreSQL logs no error that quotes rows; the first one is set."""

_PRESENT = sa.text("select from pg_roles where rolname = :role")
_SET = sa.text("""
    select split_part(setting, '=', 1), split_part(setting, '=', 2)
    from pg_db_role_setting join pg_roles on pg_roles.oid = setrole, unnest(setconfig) as setting
    where rolname = :role and setdatabase in (0, (select oid from pg_database where datname = current_database()))
""")
# A user's own settings say nothing of others, a database's nothing of who works in another one.
_OF_THE_SERVER = sa.text("""
    select name, setting from pg_settings
    where name = any(:names) and source not like '%user%' and (:here or source <> 'database')
""")


def quieting(connection: sa.Connection, role: str, *, here: bool = True) -> Iterator[Statement]:
    """Yield what that user lacks, if there is one.

    :param here: whether the user works in this database, or in another one of the server.
    """
    if connection.execute(_PRESENT, {"role": role}).first() is None:
        return
    found = pairs(connection, _OF_THE_SERVER, names=list(QUIET), here=here) | pairs(connection, _SET, role=role)
    for name, wanted in QUIET.items():
        if found.get(name) not in wanted:
            yield sql.SQL("alter role {} set {} = {}").format(
                sql.Identifier(role), sql.Identifier(name), sql.Literal(wanted[0])
            )
