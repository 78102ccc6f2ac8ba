"""``telemetry-pipeline report``: a report now, of any days, into a file."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from telemetry_pipeline.analyses.reports import Wanted, find
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.target import database_url
from telemetry_pipeline.days import AllowedDays, Period, today
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.publishing.publishing import MAKERS, gather
from telemetry_pipeline.results.views.windows import Store, rules_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import connect


def report(name: str, first: date | None, last: date | None, channel: str, form: str | None, output: Path | None) -> None:
    """Make the report and say where it is.

    :raises RequestRefused: there is no such report or channel, or nothing of these days; or the file cannot be written, or
        is called after another format.
    """
    settings, kind = StackSettings.load(), find(name)
    allowed = AllowedDays.until_today(settings.first_partition, settings.operator_zone)
    period = allowed.asked(None, first, last) or kind.last_period(today(settings.operator_zone))
    wanted = Wanted(kind, period, channel)
    form = _form(form, output)
    path = output or Path(f"{name}_{_days(period)}.{form}")
    content = gather(connect(database_url(settings)), Store(rules_of(settings), limits=settings.limits), settings, wanted)
    body = MAKERS[form](content, settings)
    try:
        path.write_bytes(body)
    except OSError as err:
        raise RequestRefused(f"{path} cannot be written: {err.strerror}") from err
    for notice in content.notices:
        say(notice)
    say(f"{path}: {content.title}, {content.days}, {len(body) / 1000:,.0f} kB")


def _form(given: str | None, output: Path | None) -> str:
    """Return the format that is asked for, by its name or by that of the file."""
    if output is None or not output.suffix:
        return given or "pdf"
    named = output.suffix.lower().removeprefix(".")
    if given is None and named not in MAKERS:
        raise RequestRefused(f"a report is not made as {output.suffix}", f"formats: {', '.join(MAKERS)}")
    if given is not None and named in MAKERS and named != given:
        fitting = output.with_suffix(f".{given}")
        raise RequestRefused(f"{output} is no name for {given}", f"write {fitting}, or ask for --format {named}")
    return given or named


def _days(period: Period) -> str:
    return str(period.first) if period.length == 1 else f"{period.first}_{period.last}"
