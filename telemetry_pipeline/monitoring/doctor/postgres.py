"""Checks of PostgreSQL: what a server tells of itself is read at once, and what is wrong with it decided from that.

What is stored there is looked at in ``warehouse``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import kwargs_row

from telemetry_pipeline.errors import TelemetryError, Warned
from telemetry_pipeline.monitoring.doctor.sessions import one, open_session, transaction
from telemetry_pipeline.settings.addresses import is_local_postgres
from telemetry_pipeline.warehouse.roles.quiet import QUIET

_CLOCK_SECONDS_ALLOWED = 5.0
_OLDEST_POSTGRES = 14
# How often two sessions are asked which process serves them; a pooler that hands them out anew shows it by then.
_ROUNDS = 5

_FACTS = """
select current_setting('server_version') as version, clock_timestamp() as clock, current_setting('server_encoding') as encoding,
    current_database()::text as database, current_user::text as user,
    (select rolsuper from pg_roles where rolname = current_user) as superuser,
    current_setting('transaction_read_only') = 'on' as read_only, pg_is_in_recovery() as standby,
    (select source from pg_settings where name = 'default_transaction_read_only') as read_only_source,
    current_setting('max_locks_per_transaction')::int as locks_per_transaction,
    current_setting('max_connections')::int + current_setting('max_prepared_transactions')::int as sessions,
    (select count(*) from pg_class join pg_namespace on pg_namespace.oid = relnamespace
        where nspname in ('telemetry', 'analysis') and relkind in ('r', 'p', 'i', 'I')) as relations,
    (select setting from pg_settings where name = 'data_directory') as data_directory
"""
_SEEN_READ_ONLY = {
    "database": 'alter database "{database}" reset default_transaction_read_only',
    "user": 'alter role "{user}" reset default_transaction_read_only',
    "database user": 'alter role "{user}" in database "{database}" reset default_transaction_read_only',
}


@dataclass(frozen=True)
class Facts:
    """What a server says of itself and of the database.

    :ivar read_only_source: where PostgreSQL has ``default_transaction_read_only`` from, in its words.
    :ivar sessions: how many there can be, prepared transactions included.
    :ivar relations: tables and indexes of ours.
    :ivar superuser: whether this user is one.
    :ivar data_directory: on the server's machine; None if this user may not know it.
    """

    version: str
    clock: datetime
    encoding: str
    database: str
    read_only: bool
    standby: bool
    read_only_source: str
    user: str
    locks_per_transaction: int
    sessions: int
    relations: int
    superuser: bool = False
    data_directory: str | None = None
    seen_at: datetime | None = None
    pooled: bool = False


def read_facts(url: str) -> Facts:
    """Ask a server.

    :raises TelemetryError: it does not answer.
    """
    with open_session(url) as session:
        with session.cursor(row_factory=kwargs_row(Facts)) as cursor:
            facts = cursor.execute(_FACTS).fetchone()
        assert facts is not None
        return replace(facts, seen_at=datetime.now(UTC), pooled=_is_pooled(session, url))


def check_server(facts: Facts) -> str:
    """Check that it is a server that the pipeline can work with."""
    wrong = list(faults(facts))
    if wrong:
        problem = "; ".join(fault.problem for fault in wrong)
        raise TelemetryError(problem, "; ".join(fault.advice for fault in wrong))
    return f"PostgreSQL {facts.version}, clocks agree"


def faults(facts: Facts) -> Iterator[TelemetryError]:
    """Yield what is wrong with it, and what to do about each."""
    if int(facts.version.split(".")[0]) < _OLDEST_POSTGRES:
        yield TelemetryError(
            f"the server is PostgreSQL {facts.version}", f"use PostgreSQL {_OLDEST_POSTGRES} or newer; 18 is tested"
        )
    off = abs(((facts.seen_at or facts.clock) - facts.clock).total_seconds())
    if off > _CLOCK_SECONDS_ALLOWED:
        yield TelemetryError(f"its clock and this machine's differ by {off:.0f} s", "synchronise both machines' clocks (NTP)")
    if facts.encoding != "UTF8":
        yield TelemetryError(
            f"the database's encoding is {facts.encoding}, which cannot hold every name",
            "create another one and use that: create database NAME encoding 'UTF8' template template0",
        )
    if facts.standby:
        yield TelemetryError(
            "the server is a standby, which stores nothing",
            "use the primary's address, or name both: host=a,b and target_session_attrs=read-write in the query",
        )
    elif facts.read_only:
        way = _SEEN_READ_ONLY.get(
            facts.read_only_source, "alter system reset default_transaction_read_only; select pg_reload_conf()"
        )
        yield TelemetryError(
            f"it is read-only (default_transaction_read_only, set by: {facts.read_only_source})",
            way.format(database=facts.database, user=facts.user),
        )
    if facts.pooled:
        yield TelemetryError(
            "a pooler is in between that gives each transaction another session, and locks get lost",
            "use PostgreSQL's own address, or pool_mode = session in pgbouncer.ini",
        )
    # A statement that no day narrows down locks all of them; another may do so at the same time.
    if 2 * facts.relations > facts.locks_per_transaction * facts.sessions:
        enough = -(-4 * facts.relations // facts.sessions)
        yield TelemetryError(
            f"{facts.relations:,} tables and indexes are more than its table of locks can hold",
            f"alter system set max_locks_per_transaction = {enough}, and restart PostgreSQL",
        )


def check_log(url: str) -> str:
    """Check that the server's log stays free of the rows that errors quote."""
    with transaction(url) as session:
        user = one(session, "select quote_ident(current_user)")
        loud = [name for name in QUIET if one(session, f"select current_setting('{name}')") not in QUIET[name]]
    if loud:
        commands = "; ".join(f"alter role {user} set {name} = '{QUIET[name][0]}'" for name in loud)
        raise Warned(
            f"PostgreSQL writes errors into its log that quote rows: {', '.join(loud)}",
            f"as a superuser: {commands}; then restart the pipeline's processes",
        )
    return "it quotes no rows"


def check_user(facts: Facts) -> str:
    """Check that the pipeline's user may do no more than it needs."""
    if facts.superuser:
        raise Warned(
            f"the pipeline's user {facts.user} is a superuser: whoever gets hold of its address has the whole server",
            "set OWNER_DATABASE_URL to this address and DATABASE_URL to that of another user, and run "
            "'telemetry-pipeline migrate', which makes that user; see docs/production.md",
        )
    return f"{facts.user} is no superuser"


def visible_data(facts: Facts, url: str) -> Path | None:
    """Return where the server's data is, if that is on this machine and this user may know it."""
    directory = Path(facts.data_directory or "")
    return directory if facts.data_directory and is_local_postgres(url) and directory.exists() else None


def _is_pooled(session: psycopg.Connection[Any], url: str) -> bool:
    """Return whether a pooler gives each transaction another session of the server's.

    A pooler tells clients another process's number than the server does. If it pools sessions, two of them have one process
    each and keep it.
    """
    if session.info.backend_pid == one(session, "select pg_backend_pid()"):
        return False
    with open_session(url) as another:
        seen = [{one(each, "select pg_backend_pid()") for _ in range(_ROUNDS)} for each in (session, another)]
    return len(seen[0]) > 1 or len(seen[1]) > 1 or bool(seen[0] & seen[1])
