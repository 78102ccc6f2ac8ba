"""Checks of what is stored in PostgreSQL: ours, and Dagster's."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.monitoring.doctor.sessions import one, transaction
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import connect, looking
from telemetry_pipeline.warehouse.db.migrating import pending_migrations
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.status import last_sync
from telemetry_pipeline.warehouse.raw import claims

_CLOCK_SECONDS_ALLOWED = 5.0


def check_schema(url: str) -> str:
    """Check that the warehouse's schema is of this version."""
    if pending := pending_migrations(connect(url)):
        raise TelemetryError(f"migrations are missing: {', '.join(pending)}", "apply them with 'telemetry-pipeline migrate'")
    return "at its newest version"


def check_claims(url: str, settings: StackSettings) -> str:
    """Check that the stored rows were made with these settings."""
    with looking(url).begin() as connection:
        found = claims.differences(connection, claims.of_settings(settings))
    if found:
        raise TelemetryError("; ".join(found), "set it back, or change what is stored by 'telemetry-pipeline adopt'")
    return "made with these settings"


def check_ids(url: str) -> str:
    """Check that the ids and records of the upstream go on from those that are stored."""
    found = [each for each in problems.open_problems(looking(url)) if each.key.startswith(problems.UPSTREAM)]
    if found:
        raise TelemetryError(
            "; ".join(f"{each.summary}. {each.detail}" for each in found), "; ".join(each.advice for each in found)
        )
    return "they go on from those that are stored"


def check_ticks(url: str, settings: StackSettings) -> str:
    """Check that there was a sync lately, and none in the future."""
    with looking(url).connect() as connection:
        last = last_sync(connection)
    synced_at = max((at for at in (last.synced_at, last.refused_at) if at is not None), default=None)
    if synced_at is None:
        return "there was no sync yet"
    age = last.now - synced_at
    if age < -timedelta(seconds=_CLOCK_SECONDS_ALLOWED):
        raise TelemetryError(
            f"the newest sync is {duration(-age.total_seconds())} in the future: a clock is or was ahead",
            "synchronise the clocks of all machines (NTP), then restart the daemon",
        )
    if age > timedelta(minutes=settings.heartbeat_minutes):
        raise TelemetryError(
            f"the newest sync was {duration(age.total_seconds())} ago, longer than HEARTBEAT_MINUTES",
            "'telemetry-pipeline status' shows the last runs; telemetry_tick_schedule in the web UI says what holds it up",
        )
    return f"the newest sync was {duration(age.total_seconds())} ago"


def check_time_zones(url: str, settings: StackSettings) -> str:
    """Check that Python and PostgreSQL know the same offsets, of every day that has a partition or will in a year."""
    zones = sorted({settings.operator_timezone, settings.panaccess_timezone})
    last = datetime.now(UTC).date() + timedelta(days=366)
    for zone in zones:
        _check_time_zone(url, zone, settings.first_partition, last)
    return f"{' and '.join(zones)}: Python and PostgreSQL agree from {settings.first_partition} to {last}"


def _check_time_zone(url: str, zone: str, first: date, last: date) -> None:
    series = "select moment at time zone %s, moment from generate_series(%s::timestamptz, %s, '6 hours') moment"
    try:
        with transaction(url) as session:
            rows = session.execute(series, [zone, _midnight(first), _midnight(last)]).fetchall()
    except psycopg.errors.InvalidParameterValue as err:
        raise TelemetryError(
            f"PostgreSQL does not know the time zone {zone}", "update PostgreSQL, or its machine's tzdata"
        ) from err
    for local, moment in rows:
        here = moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        if here != local:
            raise TelemetryError(
                f"{zone}: {moment:%Y-%m-%d %H:%M} UTC is {here:%H:%M} for Python and {local:%H:%M} for PostgreSQL",
                "update the older one of them: the package tzdata of this machine, or PostgreSQL and its machine's tzdata",
            )


def check_dagster_tables(url: str) -> str:
    """Check that Dagster's storage exists there, without ticks of the future."""
    with transaction(url) as session:
        if not one(session, "select to_regclass('job_ticks') is not null"):
            raise TelemetryError("the database is there, Dagster's tables are not", "run 'dagster instance migrate' once")
        ahead = one(session, "select max(timestamp) - (clock_timestamp() at time zone 'UTC') from job_ticks")
    if ahead is not None and ahead > timedelta(minutes=1):
        raise TelemetryError(
            f"Dagster has ticks of the future, {duration(ahead.total_seconds())} ahead, from which its schedules go on",
            "synchronise the machines' clocks (NTP), then restart the daemon",
        )
    return "with Dagster's tables"


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
