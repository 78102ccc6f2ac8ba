"""``telemetry-pipeline doctor``: look at every setting and server, and say what to do about what is wrong.

Each check is a function that returns what it saw, or raises :class:`AdvisedError` or one of the project's errors.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

import click

from telemetry_pipeline.errors import SettingsError, TelemetryError

if TYPE_CHECKING:
    import sqlalchemy as sa

    from telemetry_pipeline.client.answers import Health
    from telemetry_pipeline.settings import StackSettings
    from telemetry_pipeline.stack.state import StackState

_START_ADVICE = "start it with 'telemetry-pipeline up'"
_DISK_BYTES_NEEDED = 2_000_000_000
_CLOCK_SECONDS_ALLOWED = 5.0
_WORKER_ANSWERS_SECONDS = 2.0
_OLDEST_POSTGRES = 14


class AdvisedError(TelemetryError):
    """Something works, but not as the pipeline needs it.

    :ivar advice: what to do.
    """

    def __init__(self, problem: str, advice: str) -> None:
        super().__init__(problem)
        self.advice = advice


@dataclass(frozen=True)
class Finding:
    """The outcome of a check; *outcome* is ``ok``, ``failed`` or ``skipped``."""

    name: str
    outcome: str
    detail: str
    advice: str = ""


@click.command("doctor", short_help="Check every setting and server, and say what to do.")
def doctor() -> int:
    """Check every setting and server, and say what to do; the exit status is 1 if anything is wrong."""
    from telemetry_pipeline.cli.main import EXIT_FAILED

    failed = 0
    for finding in examine():
        failed += finding.outcome == "failed"
        colour = {"ok": "green", "failed": "red", "skipped": "yellow"}[finding.outcome]
        first, *more = finding.detail.splitlines() or [""]
        click.echo(f"{click.style(f'{finding.outcome:8}', fg=colour)}{finding.name}: {first}")
        for line in [*more, *([f"-> {finding.advice}"] if finding.advice else [])]:
            click.echo(f"        {line}")
    click.echo(f"{failed} of the checks failed" if failed else "everything is well")
    return EXIT_FAILED if failed else 0


def examine() -> Iterator[Finding]:
    """Run all checks in the order in which they build upon each other."""
    from telemetry_pipeline.cli.target import find_stack
    from telemetry_pipeline.settings import StackSettings

    try:
        given = StackSettings.load()
    except SettingsError as err:
        yield Finding("settings", "failed", str(err), "correct them in the environment or in the file .env")
        return
    yield Finding("settings", "ok", f"operator in {given.operator_timezone}")
    yield examine_alerts(given)
    home = _run(given, "home", lambda: check_home(given.telemetry_home), "choose another directory by TELEMETRY_HOME")
    yield home
    stack = None
    try:
        stack = find_stack(given)
    except (TelemetryError, OSError) as err:
        yield Finding("stack", "failed", str(err), "run as that user, or set TELEMETRY_HOME")
    else:
        yield _describe_stack(given, stack)
    yield from _examine_servers(complete(given, stack))
    yield from _examine_dagster(given, stack)


def examine_alerts(settings: StackSettings) -> Finding:
    """Is every address of ALERT_URLS one that messages can be sent to? None is sent."""
    urls = settings.alert_urls.get_secret_value()
    if not urls.strip():
        return Finding("alerts", "skipped", "ALERT_URLS is empty: nobody is told when something breaks")
    from telemetry_pipeline.alerting.channels import Channels

    channels = list(Channels(urls))
    wrong = [channel.name for channel in channels if not channel.understood]
    if wrong:
        advice = "write them as https://appriseit.com/services/ shows; a colon, slash or @ in a password as %3A, %2F, %40"
        return Finding("alerts", "failed", f"addresses in ALERT_URLS are not understood: {', '.join(wrong)}", advice)
    return Finding("alerts", "ok", ", ".join(channel.name for channel in channels))


def complete(settings: StackSettings, stack: StackState | None) -> StackSettings:
    """The settings, with the addresses that they leave open taken from the running stack."""
    from pydantic import SecretStr

    from telemetry_pipeline.simulator import options as simulator

    if stack is None:
        return settings
    found: dict[str, Any] = {
        "database_url": SecretStr(stack.database_url),
        "dagster_database_url": SecretStr(stack.dagster_database_url),
        "redis_url": SecretStr(stack.redis_url),
    }
    if settings.panaccess_url is None:
        settings = settings.model_copy(
            update={
                "panaccess_url": stack.panaccess_url,
                "panaccess_username": simulator.DEFAULT_USERNAME,
                "panaccess_password": SecretStr(simulator.DEFAULT_PASSWORD),
                "panaccess_api_token": SecretStr(simulator.DEFAULT_API_TOKEN),
                "panaccess_salt": SecretStr(simulator.DEFAULT_SALT),
            }
        )
    return settings.model_copy(update={name: url for name, url in found.items() if getattr(settings, name) is None})


def _describe_stack(settings: StackSettings, stack: StackState | None) -> Finding:
    from telemetry_pipeline.cli.output import moment

    if stack is not None:
        since, first = moment(stack.started_at, settings.operator_zone), stack.first_partition or settings.first_partition
        return Finding("stack", "ok", f"process {stack.pid}, since {since}, partitions from {first}")
    if settings.database_url and settings.redis_url:
        return Finding("stack", "skipped", "none is running here; DATABASE_URL and REDIS_URL name servers elsewhere")
    return Finding("stack", "failed", f"none is running in {settings.telemetry_home}", _START_ADVICE)


def _examine_servers(settings: StackSettings) -> Iterator[Finding]:
    def server(name: str, variable: str, check: Callable[[], str], advice: str) -> Finding:
        if getattr(settings, variable) is None:
            return Finding(name, "skipped", f"{variable.upper()} is not set, and no stack is running that has one")
        return _run(settings, name, check, advice)

    yield server(
        "PostgreSQL",
        "database_url",
        lambda: check_warehouse(settings),
        "see that DATABASE_URL is right, and that PostgreSQL runs and lets this user in",
    )
    yield server(
        "Dagster's database",
        "dagster_database_url",
        lambda: check_dagster_database(settings),
        "see that DAGSTER_DATABASE_URL is right; the stack creates it, in containers 'dagster instance migrate' does",
    )
    broker = server(
        "broker",
        "redis_url",
        lambda: check_broker(settings),
        "see that REDIS_URL is right, and that Redis or Valkey runs",
    )
    yield broker
    if broker.outcome == "ok":
        yield _run(
            settings,
            "worker",
            lambda: check_worker(settings),
            f"{_START_ADVICE}, or 'celery -A telemetry_pipeline.orchestration.celery_app worker -Q ingest,analysis,reports'",
        )
    else:
        yield Finding("worker", "skipped", "it cannot be asked without the broker")
    yield server(
        "PanAccess",
        "panaccess_url",
        lambda: check_panaccess(settings),
        "see that PANACCESS_URL and the PANACCESS_ credentials are right, and that the server can be reached",
    )


def _examine_dagster(settings: StackSettings, stack: StackState | None) -> Iterator[Finding]:
    from telemetry_pipeline.client import TelemetryClient

    names = ("web server", "code", "daemon")
    url = stack.webserver_url if stack else settings.webserver_url or settings.web_url
    if url is None:
        unknown = "no stack is running, and neither WEBSERVER_URL nor WEB_URL is set"
        yield from (Finding(name, "skipped", unknown) for name in names)
        return
    client = TelemetryClient(f"{url.rstrip('/')}/graphql", timeout_seconds=20)
    health: list[Health] = []

    def check_webserver() -> str:
        health.append(client.health())
        return f"Dagster {health[0].version} at {url}"

    logs = settings.telemetry_home / "logs"
    restart = f"restart the stack; its logs are in {logs}" if stack else "restart the service, and read its log"
    webserver = _run(settings, names[0], check_webserver, restart)
    yield webserver
    if webserver.outcome != "ok":
        yield from (Finding(name, "skipped", "it cannot be asked without the web server") for name in names[1:])
        return
    yield _run(settings, names[1], lambda: check_code(health[0]), restart)
    yield _run(settings, names[2], lambda: check_daemon(health[0]), restart)


def check_home(home: Path) -> str:
    """Can the stack keep its files there, and is there room?"""
    place = home.expanduser().resolve()
    while not place.exists():
        place = place.parent
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise AdvisedError(f"{place} is not a directory that this user may write to", "set TELEMETRY_HOME to another one")
    free = shutil.disk_usage(place).free
    if free < _DISK_BYTES_NEEDED:
        raise AdvisedError(f"{place} has only {free / 1e9:.1f} GB of free disk space", "free 2 GB, or set TELEMETRY_HOME")
    return f"{home} can be written to, {free / 1e9:,.0f} GB free"


def check_warehouse(settings: StackSettings) -> str:
    """Version, migrations and clock of the warehouse's server."""
    from telemetry_pipeline.warehouse.database import pending_migrations

    engine = _engine(settings.database_url)
    version, clock = _ask(engine, "select current_setting('server_version'), clock_timestamp()")
    if int(version.split(".")[0]) < _OLDEST_POSTGRES:
        raise AdvisedError(f"the server is PostgreSQL {version}", f"use PostgreSQL {_OLDEST_POSTGRES} or newer; 18 is tested")
    off = abs((datetime.now(UTC) - clock).total_seconds())
    if off > _CLOCK_SECONDS_ALLOWED:
        raise AdvisedError(f"its clock and this machine's differ by {off:.0f} s", "synchronise both machines' clocks (NTP)")
    if pending := pending_migrations(engine):
        raise AdvisedError(f"migrations are missing: {', '.join(pending)}", "apply them with 'telemetry-pipeline migrate'")
    return f"PostgreSQL {version}, schema at its newest version, clocks agree"


def check_dagster_database(settings: StackSettings) -> str:
    """Does Dagster's storage exist there?"""
    (runs,) = _ask(_engine(settings.dagster_database_url), "select to_regclass('runs') is not null")
    if not runs:
        raise AdvisedError("the database is there, Dagster's tables are not", "run 'dagster instance migrate' once")
    return "reachable, with Dagster's tables"


def check_broker(settings: StackSettings) -> str:
    """Does Redis or Valkey answer, and does it keep what it is given?"""
    import redis

    url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, decode_responses=True) as client:
            info: Any = client.info()
    except redis.RedisError as err:
        raise TelemetryError(f"no answer: {' '.join(str(err).split())}") from err
    if int(info.get("maxmemory", 0)) and info.get("maxmemory_policy") != "noeviction":
        raise AdvisedError(
            f"it drops messages when its memory is full (maxmemory-policy {info.get('maxmemory_policy')})",
            "set maxmemory-policy to noeviction",
        )
    server = "Valkey" if "valkey_version" in info else "Redis"
    return f"{server} {info.get('valkey_version') or info.get('redis_version')}"


def check_worker(settings: StackSettings) -> str:
    """Do Celery workers answer over the broker, and do they serve every queue?"""
    from telemetry_pipeline.broker import QUEUES, workers

    answering = workers(settings.redis_url.get_secret_value() if settings.redis_url else "", _WORKER_ANSWERS_SECONDS)
    if not answering:
        raise TelemetryError("no Celery worker answers")
    nodes = f"{len(answering)} answering: {', '.join(worker.node for worker in answering)}"
    if unserved := [queue for queue in QUEUES if not any(queue in worker.queues for worker in answering)]:
        raise AdvisedError(
            f"{nodes}; none takes steps of {', '.join(unserved)}", f"start a worker with '-Q {','.join(unserved)}'"
        )
    return nodes


def check_panaccess(settings: StackSettings) -> str:
    """Log in to PanAccess, once, and ask whether the session is alive."""
    from telemetry_pipeline.panaccess.client import PanAccessClient
    from telemetry_pipeline.settings import Settings

    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    # These two are other checks' business.
    values["database_url"] = values["database_url"] or "postgresql://unused"
    values["dagster_database_url"] = values["dagster_database_url"] or "postgresql://unused"
    values["redis_url"] = values["redis_url"] or "redis://unused"
    PanAccessClient.from_settings(Settings.load(**{k: v for k, v in values.items() if v is not None})).check()
    return f"{settings.panaccess_url} lets {settings.panaccess_username} in"


def check_code(health: Health) -> str:
    """Is the pipeline's code location loaded?"""
    if health.code_problem:
        raise TelemetryError(health.code_problem)
    return "telemetry_pipeline is loaded"


def check_daemon(health: Health) -> str:
    """Do the parts of the daemon that the pipeline needs show signs of life?"""
    if health.silent_daemons:
        raise TelemetryError(f"no sign of life from {', '.join(health.silent_daemons)}")
    return f"{len(health.daemon_ids)} parts show signs of life"


def _run(settings: StackSettings, name: str, check: Callable[[], str], advice: str) -> Finding:
    try:
        return Finding(name, "ok", _without_secrets(check(), settings))
    except AdvisedError as err:
        return Finding(name, "failed", _without_secrets(str(err), settings), err.advice)
    except TelemetryError as err:
        return Finding(name, "failed", _without_secrets(str(err), settings), advice)


def _engine(url: Any) -> sa.Engine:
    from telemetry_pipeline.warehouse.database import connect

    return connect(url)


def _ask(engine: sa.Engine, query: str) -> Any:
    import sqlalchemy as sa

    try:
        with engine.connect() as connection:
            return connection.execute(sa.text(query)).one()
    except sa.exc.SQLAlchemyError as err:
        reason = err.orig if isinstance(err, sa.exc.DBAPIError) else err
        raise TelemetryError(f"no answer: {' '.join(str(reason).split())}") from err


def _without_secrets(text: str, settings: StackSettings) -> str:
    """*text* with every secret of the settings blotted out, whatever a library put into its message."""
    from pydantic import SecretStr

    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            secret = value.get_secret_value()
            password = urlsplit(secret).password if "://" in secret else None
            for part in (secret, password, unquote(password) if password else None):
                if part and part != settings.panaccess_username:
                    text = text.replace(part, "***")
    return text
