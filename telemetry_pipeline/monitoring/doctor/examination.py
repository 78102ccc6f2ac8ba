"""All checks in the order in which they build upon each other, and what depends on what."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from pydantic import SecretStr

from telemetry_pipeline.monitoring.disks import Place, places
from telemetry_pipeline.monitoring.doctor import dagster, postgres, servers, surroundings, warehouse
from telemetry_pipeline.monitoring.doctor.findings import Examiner, Finding
from telemetry_pipeline.monitoring.doctor.postgres import Facts
from telemetry_pipeline.settings.loading import StackSettings

START_ADVICE = "start it with 'telemetry-pipeline up'"
_WORKER = "celery -A telemetry_pipeline.orchestration.runtime.celery_app worker -Q ingest,analysis,reports"


def examine_surroundings(settings: StackSettings, env_file: Path) -> Iterator[Finding]:
    """Yield what can be told before any server is asked: files, ways of telling people, disks."""
    examiner = Examiner(settings)
    yield examiner.examine(".env", lambda: surroundings.check_env_file(env_file), "see who may read it: ls -l .env")
    yield examine_alerts(settings)
    yield examiner.examine("home", lambda: surroundings.check_home(settings.home), "choose another directory by TELEMETRY_HOME")
    yield examiner.examine("disks", lambda: surroundings.check_disks(places(settings)), "choose other directories")


def examine_alerts(settings: StackSettings) -> Finding:
    """Check that somebody is told when something breaks. No message is sent."""
    if not settings.alert_urls.get_secret_value().strip():
        return Finding("alerts", "skipped", "ALERT_URLS is empty: nobody is told when something breaks")
    see = "see https://appriseit.com/services/"
    return Examiner(settings).examine("alerts", lambda: surroundings.check_alerts(settings), see)


def examine_servers(known: StackSettings, webserver_url: str | None, restart: str) -> Iterator[Finding]:
    """Examine databases, broker, workers, PanAccess, the mail server and Dagster.

    :param known: with the addresses of the servers that there are.
    :param webserver_url: without the path of GraphQL; None: nobody knows of one.
    :param restart: what to do about parts of Dagster that do not answer.
    """
    examiner = Examiner(known)
    yield from _examine_databases(known, examiner)
    yield from _examine_broker(known, examiner)
    yield from _examine_panaccess(known, examiner)
    yield _examine_mail(known, examiner)
    yield from dagster.examine(examiner, webserver_url, known.telemetry_token, restart)


def _examine_databases(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    server, facts = _examine_database("PostgreSQL", settings.database_url, "DATABASE_URL", examiner)
    yield server
    if facts is not None and settings.database_url is not None:
        yield from _examine_warehouse(settings, settings.database_url.get_secret_value(), facts, examiner)
    server, facts = _examine_database("Dagster's database", settings.dagster_database_url, "DAGSTER_DATABASE_URL", examiner)
    yield server
    if facts is not None and settings.dagster_database_url is not None:
        url = settings.dagster_database_url.get_secret_value()
        create = "the stack creates it, in containers 'dagster instance migrate' does"
        yield examiner.examine("Dagster's tables", lambda: warehouse.check_dagster_tables(url), create)
        yield examiner.examine("PostgreSQL's log of Dagster", lambda: postgres.check_log(url), create)


def _examine_warehouse(settings: StackSettings, url: str, facts: Facts, examiner: Examiner) -> Iterator[Finding]:
    see = "see that PostgreSQL runs and lets this user in"
    yield examiner.examine("database user", lambda: postgres.check_user(facts), see)
    yield examiner.examine("schema", lambda: warehouse.check_schema(url), see)
    yield examiner.examine("stored rows", lambda: warehouse.check_claims(url, settings), see)
    yield examiner.examine("record ids", lambda: warehouse.check_ids(url), see)
    yield examiner.examine("syncs", lambda: warehouse.check_ticks(url, settings), see)
    yield examiner.examine("time zones", lambda: warehouse.check_time_zones(url, settings), see)
    yield examiner.examine("PostgreSQL's log", lambda: postgres.check_log(url), see)
    if (data := postgres.visible_data(facts, url)) is not None:
        place = Place("PostgreSQL's data", data)
        yield examiner.examine("PostgreSQL's disk", lambda: surroundings.check_disks([place]), see)


def _examine_database(name: str, url: SecretStr | None, variable: str, examiner: Examiner) -> tuple[Finding, Facts | None]:
    """Return what is wrong with a server; and what it says of itself, if it answers."""
    if url is None:
        return _unknown(name, variable), None
    facts: list[Facts] = []

    def check() -> str:
        facts.append(postgres.read_facts(url.get_secret_value()))
        return postgres.check_server(facts[0])

    advice = f"see that {variable} is right, and that PostgreSQL runs and lets this user in"
    return examiner.examine(name, check, advice), facts[0] if facts else None


def _examine_broker(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    unasked = Finding("worker", "skipped", "it cannot be asked without the broker")
    if settings.redis_url is None:
        yield _unknown("broker", "REDIS_URL")
        yield unasked
        return
    url = settings.redis_url.get_secret_value()
    broker = examiner.examine(
        "broker", lambda: servers.check_broker(url), "see that REDIS_URL is right, and that Redis or Valkey runs"
    )
    yield broker
    if broker.outcome != "ok":
        yield unasked
        return
    yield examiner.examine("worker", lambda: servers.check_worker(url), f"{START_ADVICE}, or '{_WORKER}'")


def _examine_panaccess(settings: StackSettings, examiner: Examiner) -> Iterator[Finding]:
    if settings.panaccess_url is None:
        yield _unknown("PanAccess", "PANACCESS_URL")
        return
    yield examiner.examine("way to PanAccess", lambda: surroundings.check_way_to_panaccess(settings), "see PANACCESS_URL")
    yield examiner.examine(
        "PanAccess",
        lambda: servers.check_panaccess(settings),
        "see that PANACCESS_URL and the PANACCESS_ credentials are right, and that the server can be reached",
    )


def _examine_mail(settings: StackSettings, examiner: Examiner) -> Finding:
    if settings.smtp_url is None:
        return Finding("mail", "skipped", "SMTP_URL is empty: no report is mailed")
    return examiner.examine("mail", lambda: servers.check_mail(settings), "see SMTP_URL and MAIL_FROM")


def _unknown(name: str, variable: str) -> Finding:
    return Finding(name, "skipped", f"{variable} is not set, and no stack is running that has one")
