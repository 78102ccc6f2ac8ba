"""``telemetry-pipeline doctor``: look at every setting and server, and say what to do about what is wrong.

What is looked at is in ``monitoring.doctor``; here is what the local stack adds, and how findings look.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.exits import EXIT_FAILED
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.moments import moment
from telemetry_pipeline.monitoring.doctor.examination import START_ADVICE, examine_servers, examine_surroundings
from telemetry_pipeline.monitoring.doctor.findings import Examiner, Finding
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.state import StackState

_COLOURS = {"ok": "green", "warning": "yellow", "failed": "red", "skipped": "yellow"}


def doctor() -> int:
    """Show what every check found; the exit status."""
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
    """Run all checks, with the servers of the running stack where the settings name none."""
    try:
        given = StackSettings.load()
    except SettingsError as err:
        yield Finding("settings", "failed", err.problem, err.advice or "correct them in the environment or in the file .env")
        return
    yield Finding("settings", "ok", f"operator in {given.operator_timezone}")
    yield from examine_surroundings(given, Path(".env").resolve())
    stack: StackState | None = None

    def look_for_stack() -> str:
        nonlocal stack
        stack = target.find_stack(given)
        return ""

    see = "run as the user that the stack is of, or set TELEMETRY_HOME"
    looked = Examiner(given).examine("stack", look_for_stack, see)
    yield _describe_stack(given, stack) if looked.outcome == "ok" else looked
    settings = target.complete(given, stack)
    url = target.webserver_url(given) if looked.outcome == "ok" else None
    restart = (
        f"restart the stack; its logs are in {settings.home / 'logs'}" if stack else "restart the service, and read its log"
    )
    yield from examine_servers(settings, url, restart)


def _describe_stack(settings: StackSettings, stack: StackState | None) -> Finding:
    if stack is not None:
        since, first = moment(stack.started_at, settings.operator_zone), stack.first_partition or settings.first_partition
        return Finding("stack", "ok", f"process {stack.pid}, since {since}, partitions from {first}")
    if settings.database_url and settings.redis_url:
        return Finding(
            "stack", "skipped", f"none is running in {settings.home}; DATABASE_URL and REDIS_URL name servers elsewhere"
        )
    return Finding("stack", "failed", f"none is running in {settings.home}", START_ADVICE)
