"""Checks of PostgreSQL: what a server tells of itself is read at once, and what is wrong with it decided from that."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from telemetry_pipeline.cli.doctoring.findings import AdvisedError, Warned
from telemetry_pipeline.cli.output import duration
from telemetry_pipeline.errors import TelemetryError

if TYPE_CHECKING:
    import psycopg

    from telemetry_pipeline.settings.loading import StackSettings

_CLOCK_SECONDS_ALLOWED = 5.0
_OLDEST_POSTGRES = 14
_CONNECT_SECONDS = 10
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
    from psycopg.rows import kwargs_row

    with _session(url) as session:
        with session.cursor(row_factory=kwargs_row(Facts)) as cursor:
            facts = cursor.execute(_FACTS).fetchone()
        assert facts is not None
        return replace(facts, seen_at=datetime.now(UTC), pooled=_is_pooled(session, url))


def check_server(facts: Facts) -> str:
    """Is it a server that the pipeline can work with?"""
    wrong = list(faults(facts))
    if wrong:
        problem = "; ".join(str(fault) for fault in wrong)
        raise AdvisedError(problem, "; ".join(fault.advice for fault in wrong))
    return f"PostgreSQL {facts.version}, clocks agree"


def faults(facts: Facts) -> Iterator[AdvisedError]:
    """What is wrong with it, and what to do about each."""
    if int(facts.version.split(".")[0]) < _OLDEST_POSTGRES:
        yield AdvisedError(
            f"the server is PostgreSQL {facts.version}", f"use PostgreSQL {_OLDEST_POSTGRES} or newer; 18 is tested"
        )
    off = abs(((facts.seen_at or facts.clock) - facts.clock).total_seconds())
    if off > _CLOCK_SECONDS_ALLOWED:
        yield AdvisedError(f"its clock and this machine's differ by {off:.0f} s", "synchronise both machines' clocks (NTP)")
    if facts.encoding != "UTF8":
        yield AdvisedError(
            f"the database's encoding is {facts.encoding}, which cannot hold every name",
            "create another one and use that: create database NAME encoding 'UTF8' template template0",
        )
    if facts.standby:
        yield AdvisedError(
            "the server is a standby, which stores nothing",
            "use the primary's address, or name both: host=a,b and target_session_attrs=read-write in the query",
        )
    elif facts.read_only:
        way = _SEEN_READ_ONLY.get(
            facts.read_only_source, "alter system reset default_transaction_read_only; select pg_reload_conf()"
        )
        yield AdvisedError(
            f"it is read-only (default_transaction_read_only, set by: {facts.read_only_source})",
            way.format(database=facts.database, user=facts.user),
        )
    if facts.pooled:
        yield AdvisedError(
            "a pooler is in between that gives each transaction another session, and locks get lost",
            "use PostgreSQL's own address, or pool_mode = session in pgbouncer.ini",
        )
    # A statement that no day narrows down locks all of them; another may do so at the same time.
    if 2 * facts.relations > facts.locks_per_transaction * facts.sessions:
        enough = -(-4 * facts.relations // facts.sessions)
        yield AdvisedError(
            f"{facts.relations:,} tables and indexes are more than its table of locks can hold",
            f"alter system set max_locks_per_transaction = {enough}, and restart PostgreSQL",
        )


def check_log(url: str) -> str:
    """Does the server's log stay free of the rows that errors quote?"""
    from telemetry_pipeline.warehouse.roles.quiet import QUIET

    with _transaction(url) as session:
        user = _one(session, "select quote_ident(current_user)")
        loud = [name for name in QUIET if _one(session, f"select current_setting('{name}')") not in QUIET[name]]
    if loud:
        commands = "; ".join(f"alter role {user} set {name} = '{QUIET[name][0]}'" for name in loud)
        raise Warned(
            f"PostgreSQL writes errors into its log that quote rows: {', '.join(loud)}",
            f"as a superuser: {commands}; then restart the pipeline's processes",
        )
    return "it quotes no rows"


def check_user(facts: Facts) -> str:
    """May the pipeline's user do no more than it needs?"""
    if facts.superuser:
        raise Warned(
            f"the pipeline's user {facts.user} is a superuser: whoever gets hold of its address has the whole server",
            "set OWNER_DATABASE_URL to this address and DATABASE_URL to that of another user, and run "
            "'telemetry-pipeline migrate', which makes that user; see docs/production.md",
        )
    return f"{facts.user} is no superuser"


def check_schema(url: str) -> str:
    """Is the warehouse's schema of this version?"""
    from telemetry_pipeline.warehouse.db.connections import connect, pending_migrations

    if pending := pending_migrations(connect(url)):
        raise AdvisedError(f"migrations are missing: {', '.join(pending)}", "apply them with 'telemetry-pipeline migrate'")
    return "at its newest version"


def check_claims(url: str, settings: StackSettings) -> str:
    """Were the stored rows made with these settings?"""
    from telemetry_pipeline.warehouse.db.connections import looking
    from telemetry_pipeline.warehouse.raw import claims

    with looking(url).begin() as connection:
        found = claims.differences(connection, claims.of_settings(settings))
    if found:
        raise AdvisedError("; ".join(found), "set it back, or change what is stored by 'telemetry-pipeline adopt'")
    return "made with these settings"


def check_ids(url: str) -> str:
    """Do the ids and records of the upstream go on from those that are stored?"""
    from telemetry_pipeline.warehouse.db.connections import looking
    from telemetry_pipeline.warehouse.operations import problems

    found = [each for each in problems.open_problems(looking(url)) if each.key.startswith(problems.UPSTREAM)]
    if found:
        raise AdvisedError(
            "; ".join(f"{each.summary}. {each.detail}" for each in found), "; ".join(each.advice for each in found)
        )
    return "they go on from those that are stored"


def check_dagster_tables(url: str) -> str:
    """Does Dagster's storage exist there, and has it ticks that have not been yet?"""
    with _transaction(url) as session:
        if not _one(session, "select to_regclass('job_ticks') is not null"):
            raise AdvisedError("the database is there, Dagster's tables are not", "run 'dagster instance migrate' once")
        ahead = _one(session, "select max(timestamp) - (clock_timestamp() at time zone 'UTC') from job_ticks")
    if ahead is not None and ahead > timedelta(minutes=1):
        raise AdvisedError(
            f"Dagster has ticks of the future, {duration(ahead.total_seconds())} ahead, from which its schedules go on",
            "synchronise the machines' clocks (NTP), then restart the daemon",
        )
    return "with Dagster's tables"


def check_time_zones(url: str, settings: StackSettings) -> str:
    """Do Python and PostgreSQL know the same offsets, of every day that has a partition or will have one in a year?"""
    zones = sorted({settings.operator_timezone, settings.panaccess_timezone})
    last = datetime.now(UTC).date() + timedelta(days=366)
    for zone in zones:
        _check_time_zone(url, zone, settings.first_partition, last)
    return f"{' and '.join(zones)}: Python and PostgreSQL agree from {settings.first_partition} to {last}"


def _check_time_zone(url: str, zone: str, first: date, last: date) -> None:
    import psycopg

    series = "select moment at time zone %s, moment from generate_series(%s::timestamptz, %s, '6 hours') moment"
    try:
        with _transaction(url) as session:
            rows = session.execute(series, [zone, _midnight(first), _midnight(last)]).fetchall()
    except psycopg.errors.InvalidParameterValue as err:
        raise AdvisedError(
            f"PostgreSQL does not know the time zone {zone}", "update PostgreSQL, or its machine's tzdata"
        ) from err
    for local, moment in rows:
        here = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if here != local:
            raise AdvisedError(
                f"{zone}: {moment:%Y-%m-%d %H:%M} UTC is {here:%H:%M} for Python and {local:%H:%M} for PostgreSQL",
                "update the older one of them: the package tzdata of this machine, or PostgreSQL and its machine's tzdata",
            )


def check_ticks(url: str, settings: StackSettings) -> str:
    """Was there a sync lately, and none in the future?"""
    from telemetry_pipeline.warehouse.operations.problems import ANOTHER

    with _transaction(url) as session:
        row = session.execute(
            """
            select greatest(max(synced_at), (
                select max(last_at) from telemetry.problems where key = %s and resolved_at is null
            )), clock_timestamp() from telemetry.sync_state
            """,
            [ANOTHER],
        ).fetchone()
    synced_at, now = row or (None, None)
    if synced_at is None or now is None:
        return "there was no sync yet"
    age = now - synced_at
    if age < -timedelta(seconds=_CLOCK_SECONDS_ALLOWED):
        raise AdvisedError(
            f"the newest sync is {duration(-age.total_seconds())} in the future: a clock is or was ahead",
            "synchronise the clocks of all machines (NTP), then restart the daemon",
        )
    if age > timedelta(minutes=settings.heartbeat_minutes):
        raise AdvisedError(
            f"the newest sync was {duration(age.total_seconds())} ago, longer than HEARTBEAT_MINUTES",
            "'telemetry-pipeline status' shows the last runs; telemetry_tick_schedule in the web UI says what holds it up",
        )
    return f"the newest sync was {duration(age.total_seconds())} ago"


def visible_data(facts: Facts, url: str) -> Path | None:
    """Where the server's data is, if that is on this machine and this user may know it."""
    from telemetry_pipeline.settings.addresses import is_local_postgres

    directory = Path(facts.data_directory or "")
    return directory if facts.data_directory and is_local_postgres(url) and directory.exists() else None


@contextmanager
def _transaction(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A transaction that waits for no lock of others for long.

    :raises TelemetryError: as :func:`_session`.
    """
    with _session(url) as session, session.transaction():
        session.execute("set local statement_timeout = '20s'")
        session.execute("set local lock_timeout = '2s'")
        yield session


@contextmanager
def _session(url: str) -> Iterator[psycopg.Connection[Any]]:
    """A session that reads text whatever the database's encoding is. Nothing is set in it, for a pooler would pass that on.

    :raises TelemetryError: the server does not answer, or refuses.
    """
    import psycopg

    from telemetry_pipeline.settings.addresses import postgres_url

    try:
        with psycopg.connect(
            postgres_url(url), autocommit=True, client_encoding="utf8", connect_timeout=_CONNECT_SECONDS, prepare_threshold=None
        ) as session:
            yield session
    except psycopg.errors.UndefinedTable as err:
        raise AdvisedError("the database lacks our tables", "apply them with 'telemetry-pipeline migrate'") from err
    except psycopg.errors.InvalidParameterValue:
        raise
    except psycopg.Error as err:
        raise TelemetryError(f"no answer: {' '.join(str(err).split())}") from err


def _is_pooled(session: psycopg.Connection[Any], url: str) -> bool:
    """Whether a pooler gives each transaction another session of the server's.

    A pooler tells clients another process's number than the server does. If it pools sessions, two of them have one process
    each and keep it.
    """
    if session.info.backend_pid == _one(session, "select pg_backend_pid()"):
        return False
    with _session(url) as another:
        seen = [{_one(one, "select pg_backend_pid()") for _ in range(_ROUNDS)} for one in (session, another)]
    return len(seen[0]) > 1 or len(seen[1]) > 1 or bool(seen[0] & seen[1])


def _one(session: psycopg.Connection[Any], query: str) -> Any:
    row = session.execute(query.encode()).fetchone()
    return row[0] if row else None


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
