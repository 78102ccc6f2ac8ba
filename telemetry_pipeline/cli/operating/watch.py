"""``telemetry-pipeline watch``: notice what has died, and tell people about every problem; and send the mail that waits."""

from __future__ import annotations

import signal
import threading
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from telemetry_pipeline.cli.exits import EXIT_FAILED
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.target import complete, find_stack, webserver_url
from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.messaging.channels import Channels, bound_answers
from telemetry_pipeline.messaging.mail import MailServer
from telemetry_pipeline.messaging.postman import Postman
from telemetry_pipeline.monitoring.alerts.judging import title
from telemetry_pipeline.monitoring.alerts.notebook import Notebook
from telemetry_pipeline.monitoring.alerts.watch import LOOK_SECONDS, Watch
from telemetry_pipeline.monitoring.components import Addresses, Components, Look
from telemetry_pipeline.monitoring.disks import places
from telemetry_pipeline.reports.archive.keeping import open_archive
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.services.watch import sign_of_life
from telemetry_pipeline.warehouse.db.connections import looking

# Who ends this process kills it if it takes its time.
_LAST_MAIL_SECONDS = 5.0


def watch(once: bool) -> int:
    """Look once and say what is wrong, or look on and tell people; the exit status."""
    settings = StackSettings.load()
    addresses = find_addresses(settings)
    components = Components(addresses, timedelta(minutes=settings.heartbeat_minutes), _now, places(settings))
    if once:
        return _look_once(components)
    _run(settings, addresses, components)
    return 0


def find_addresses(settings: StackSettings) -> Addresses:
    """Return where the components are: as the settings say, else where the running stack has them.

    :raises SettingsError: neither says it; lists what is missing.
    """
    found = complete(settings, find_stack(settings))
    url = webserver_url(settings)
    database, dagster, redis = found.database_url, found.dagster_database_url, found.redis_url
    if database is None or dagster is None or redis is None or url is None:
        known = {"DATABASE_URL": database, "DAGSTER_DATABASE_URL": dagster, "REDIS_URL": redis, "WEBSERVER_URL": url}
        missing = ", ".join(name for name, value in known.items() if value is None)
        raise SettingsError(f"no stack is running in {settings.home}, and these are not given: {missing}")
    token = settings.telemetry_token
    return Addresses(
        looking(database), looking(dagster), redis.get_secret_value(), url, token.get_secret_value() if token else None
    )


def _look_once(components: Components) -> int:
    faults = {name: reading.fault for name, reading in components.look().items() if reading.fault is not None}
    for name, fault in faults.items():
        say(f"{title(name)}: {fault}")
    if not faults:
        say("everything works")
    return EXIT_FAILED if faults else 0


def _run(settings: StackSettings, addresses: Addresses, components: Components) -> None:

    bound_answers()
    channels = Channels(settings.alert_urls.get_secret_value())
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    watch = Watch(
        Notebook(addresses.warehouse, _now),
        channels,
        zone=settings.operator_zone,
        language=settings.language,
        web_url=settings.web_url or (stack.web_url if (stack := find_stack(settings)) else None),
        clock=_now,
        say=_say,
    )
    postman = Postman(
        addresses.warehouse,
        lambda: MailServer.from_settings(settings),
        lambda path: open_archive(settings).read(path),
        _say,
    )
    _say(f"watching, with {len(channels)} channels for alerts")
    # A thread of its own: no mail server keeps the watch from looking.
    mailing = threading.Thread(target=postman.run, args=(stopped,), name="postman", daemon=True)
    mailing.start()

    def look() -> Look:
        seen = components.look()
        return {} if stopped.is_set() else seen  # who ends the watch ends the others, too

    while not stopped.is_set():
        watch.round(look)
        with suppress(OSError):  # its disk may be full
            sign_of_life(settings.home).touch(mode=0o600)
        stopped.wait(LOOK_SECONDS)
    mailing.join(_LAST_MAIL_SECONDS)
    postman.give_back()


def _say(line: str) -> None:
    """Write a line into the log. Its disk may be full, of which nobody would be told if that ended the watch."""
    with suppress(OSError):
        say(line)


def _now() -> datetime:
    return datetime.now(UTC)
