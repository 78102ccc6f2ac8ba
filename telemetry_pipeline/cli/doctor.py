"""``telemetry-pipeline doctor``: look at every setting and server, and say what to do about what is wrong.

What is looked at is in ``doctoring``; here is in which order, and what depends on what.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from telemetry_pipeline.cli.doctoring.findings import Examiner, Finding
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from pydantic import SecretStr

    from telemetry_pipeline.cli.doctoring.postgres import Facts
    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.stack.state import StackState

_START_ADVICE = "start it with 'telemetry-pipeline up'"
_WORKER = "celery -A telemetry_pipeline.orchestration.runtime.celery_app worker -Q ingest,analysis,reports"
_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "yellow"}


@click.command("doctor", short_help="Check every setting and server, and say what to do.")
def doctor() -> int:
    """Check every setting and server, and say what to do; the exit status is 1 if anything is wrong."""
    from telemetry_pipeline.cli.main import EXIT_FAILED

    failed = warned = 0
    for finding in examine():
        failed += finding.outcome == "failed"
        warned += finding.outcome == "warning"
        first, *more = finding.detail.split("\n")
        say((f"{finding.outcome:8}", _COLOURS[finding.outcome]), f"{finding.name}: {first}")
        for line in [*more, *([f"-> {finding.advice}"] if finding.advice else [])]:
            say(f"        {line}")
    if failed:
        say(f"{failed} of the checks failed")
    else:
        say(f"everything works, with {warned} warnings" if warned else "everything is well")
    return EXIT_FAILED if failed else 0


def examine() -> Iterator[Finding]:
    """Run all checks in the order in which they build upon each other."""
    from telemetry_pipeline.cli.doctoring import dagster
    from telemetry_pipeline.cli.target import complete, find_stack
    from telemetry_pipeline.settings.loading import StackSettings

    try:
        given = StackSettings.load()
    except SettingsError as err:
        yield Finding("settings", "failed", str(err), "correct them in the environment or in the file .env")
        return
    yield Finding("settings", "ok", f"operator in {given.operator_timezone}")
    examiner = Examiner(given)
    yield from _examine_surroundings(given, examiner)
    stack: StackState | None = None

    def look_for_stack() -> str:
        nonlocal stack
        stack = find_stack(given)
        return ""

    looked = examiner.examine("stack", look_for_stack, "run as the user that the stack is of, or set TELEMETRY_HOME")
    yield _describe_stack(given, stack) if looked.outcome == "ok" else looked
    settings = complete(given, stack)
    examiner = Examiner(settings)
    yield from _examine_databases(settings, examiner)
    yield from _examine_broker(settings, examiner)
    yield from _examine_panaccess(settings, examiner)
    url = stack.webserver_url if stack else settings.webserver_url or settings.web_url
    restart = (
        f"restart the stack; its logs are in {settings.home / 'logs'}" if stack else "restart the service, and read its log"
    )
    yield from dagster.examine(examiner, url, restart)


def examine_alerts(settings: StackSettings) -> Finding:
    """Is somebody told when something breaks? No message is sent."""
    from telemetry_pipeline.cli.doctoring import surroundings

    if not settings.alert_urls.get_secret_value().strip():
        return Finding("alerts", "skipped", "ALERT_URLS is empty: nobody is told when something breaks")
    see = "see https://appriseit.com/services/"
    return Examiner(settings).examine("alerts", lambda: surroundings.check_alerts(settings), see)


def _examine_surroundings(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    from telemetry_pipeline.cli.doctoring import surroundings
    from telemetry_pipeline.monitoring.disks import places

    file = Path(".env").resolve()
    yield examiner.examine(".env", lambda: surroundings.check_env_file(file), "see who may read it: ls -l .env")
    yield examine_alerts(settings)
    yield examiner.examine("home", lambda: surroundings.check_home(settings.home), "choose another directory by TELEMETRY_HOME")
    yield examiner.examine("disks", lambda: surroundings.check_disks(places(settings)), "choose other directories")


def _describe_stack(settings: StackSettings, stack: StackState | None) -> Finding:
    from telemetry_pipeline.cli.output import moment

    if stack is not None:
        since, first = moment(stack.started_at, settings.operator_zone), stack.first_partition or settings.first_partition
        return Finding("stack", "ok", f"process {stack.pid}, since {since}, partitions from {first}")
    if settings.database_url and settings.redis_url:
        return Finding(
            "stack", "skipped", f"none is running in {settings.home}; DATABASE_URL and REDIS_URL name servers elsewhere"
        )
    return Finding("stack", "failed", f"none is running in {settings.home}", _START_ADVICE)


def _examine_databases(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    from telemetry_pipeline.cli.doctoring import postgres, surroundings
    from telemetry_pipeline.monitoring.disks import Place

    warehouse, facts = _examine_database("PostgreSQL", settings.database_url, "DATABASE_URL", examiner)
    yield warehouse
    if facts is not None and settings.database_url is not None:
        url, seen = settings.database_url.get_secret_value(), facts
        see = "see that PostgreSQL runs and lets this user in"
        yield examiner.examine("database user", lambda: postgres.check_user(seen), see)
        yield examiner.examine("schema", lambda: postgres.check_schema(url), see)
        yield examiner.examine("stored rows", lambda: postgres.check_claims(url, settings), see)
        yield examiner.examine("record ids", lambda: postgres.check_ids(url), see)
        yield examiner.examine("syncs", lambda: postgres.check_ticks(url, settings), see)
        yield examiner.examine("time zones", lambda: postgres.check_time_zones(url, settings), see)
        yield examiner.examine("PostgreSQL's log", lambda: postgres.check_log(url), see)
        if (data := postgres.visible_data(facts, url)) is not None:
            place = Place("PostgreSQL's data", data)
            yield examiner.examine("PostgreSQL's disk", lambda: surroundings.check_disks([place]), see)
    dagster, facts = _examine_database("Dagster's database", settings.dagster_database_url, "DAGSTER_DATABASE_URL", examiner)
    yield dagster
    if facts is not None and settings.dagster_database_url is not None:
        dagster_url = settings.dagster_database_url.get_secret_value()
        create = "the stack creates it, in containers 'dagster instance migrate' does"
        yield examiner.examine("Dagster's tables", lambda: postgres.check_dagster_tables(dagster_url), create)
        yield examiner.examine("PostgreSQL's log of Dagster", lambda: postgres.check_log(dagster_url), create)


def _examine_database(name: str, url: SecretStr | None, variable: str, examiner: Examiner) -> tuple[Finding, Facts | None]:
    """What is wrong with a server; and what it says of itself, if it answers."""
    from telemetry_pipeline.cli.doctoring import postgres

    if url is None:
        return _unknown(name, variable), None
    facts: list[Facts] = []

    def check() -> str:
        facts.append(postgres.read_facts(url.get_secret_value()))
        return postgres.check_server(facts[0])

    advice = f"see that {variable} is right, and that PostgreSQL runs and lets this user in"
    return examiner.examine(name, check, advice), facts[0] if facts else None


def _examine_broker(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    from telemetry_pipeline.cli.doctoring import servers

    if settings.redis_url is None:
        yield _unknown("broker", "REDIS_URL")
        yield Finding("worker", "skipped", "it cannot be asked without the broker")
        return
    url = settings.redis_url.get_secret_value()
    broker = examiner.examine(
        "broker", lambda: servers.check_broker(url), "see that REDIS_URL is right, and that Redis or Valkey runs"
    )
    yield broker
    if broker.outcome != "ok":
        yield Finding("worker", "skipped", "it cannot be asked without the broker")
        return
    start = f"{_START_ADVICE}, or '{_WORKER}'"
    yield examiner.examine("worker", lambda: servers.check_worker(url), start)


def _examine_panaccess(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    from telemetry_pipeline.cli.doctoring import servers, surroundings

    if settings.panaccess_url is None:
        yield _unknown("PanAccess", "PANACCESS_URL")
        return
    yield examiner.examine("way to PanAccess", lambda: surroundings.check_way_to_panaccess(settings), "see PANACCESS_URL")
    yield examiner.examine(
        "PanAccess",
        lambda: servers.check_panaccess(settings),
        "see that PANACCESS_URL and the PANACCESS_ credentials are right, and that the server can be reached",
    )


def _unknown(name: str, variable: str) -> Finding:
    return Finding(name, "skipped", f"{variable} is not set, and no stack is running that has one")
