"""A report from its answers to what is kept and queued: whole, or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.analyses.reports import Wanted
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import ArchiveError, WarehouseError
from telemetry_pipeline.reports.archive.formats import FORMATS, PICTURE
from telemetry_pipeline.reports.archive.keeping import Archive
from telemetry_pipeline.reports.archive.names import stem
from telemetry_pipeline.reports.content.building import build, window_of
from telemetry_pipeline.reports.content.content import Content
from telemetry_pipeline.reports.forms.html import to_html
from telemetry_pipeline.reports.forms.letter import write_letter
from telemetry_pipeline.reports.forms.pdf import to_pdf
from telemetry_pipeline.reports.forms.workbook import to_workbook
from telemetry_pipeline.reports.publishing.mailing import Mailing
from telemetry_pipeline.reports.publishing.published import Addressees, Published
from telemetry_pipeline.results import computing
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.warehouse.db.connections import lock, snapshot
from telemetry_pipeline.warehouse.outgoing import made_reports, outbox, subscriptions
from telemetry_pipeline.warehouse.outgoing.made_reports import File, MadeReport
from telemetry_pipeline.warehouse.raw import completeness
from telemetry_pipeline.words.reporting.reports import REPORTS

MAKERS: Mapping[str, Callable[[Content, StackSettings], bytes]] = {
    "pdf": lambda content, _: to_pdf(content),
    "xlsx": lambda content, settings: to_workbook(content, settings.operator_zone),
    "html": lambda content, _: to_html(content).encode(),
}
"""How a report becomes what it can be had as."""

_MEGABYTE = 1_000_000


def gather(engine: sa.Engine, store: Store, settings: StackSettings, wanted: Wanted) -> Content:
    """Return what a report says as of now.

    :raises RequestRefused: there is nothing of its days, or no such channel.
    :raises WarehouseError: PostgreSQL is unreachable.
    """

    def ask(name: str, period: Period, parameters: Mapping[str, Any]) -> StoredResult:
        days, window = window_of(find_analysis(name), period)
        return computing.answer(engine, store, name, days, {**window, **parameters})

    with snapshot(engine) as connection:
        known = completeness.merged(connection)
    return build(wanted, ask, known, Speech(REPORTS, settings.language, settings.operator_zone), datetime.now(UTC))


def publish(
    engine: sa.Engine,
    store: Store,
    archive: Archive,
    settings: StackSettings,
    wanted: Wanted,
    addressees: Addressees,
    *,
    run_id: str,
    checkpoint: Callable[[], None] = lambda: None,
) -> Published:
    """Make a report in every format, keep it, and queue the messages to those who get it.

    Files are kept before the one transaction that puts the report on record with its messages: whoever reads of it finds them.

    :param run_id: of the run that makes it; it makes it once, however often its step begins.
    :param checkpoint: called before the commit; raises to leave everything as it was.
    :raises TelemetryError: something of it cannot be had, drawn or kept; nothing is on record then, and nothing queued.
    """
    with engine.connect() as connection:
        if before := _find_made(connection, wanted, addressees, run_id):
            return Published(before)
    content = gather(engine, store, settings, wanted)
    bodies = {form: make(content, settings) for form, make in MAKERS.items()}
    if picture := write_letter(content, attached=(), links={}).picture:
        bodies[PICTURE] = picture
    path = stem(wanted, content.made_at)
    files = [File(form, f"{path}.{form}", len(body)) for form, body in bodies.items()]
    try:
        for file in files:
            archive.put(file.path, bodies[file.format])
        with engine.begin() as connection:
            lock(connection, f"report {wanted.kind.name}")
            if other := _find_made(connection, wanted, addressees, run_id):
                archive.delete([file.path for file in files])
                return Published(other)
            made = made_reports.add(
                connection,
                wanted.kind.name,
                wanted.channel,
                wanted.period.first,
                wanted.period.last,
                files,
                is_scheduled=addressees.subscribers,
                is_complete=content.complete,
                run_id=run_id,
            )
            mailing = Mailing(content, made, settings.web_url, settings.mail_attachments_mb * _MEGABYTE)
            messages = mailing.to_one(addressees.one, list(FORMATS)) if addressees.one else []
            if addressees.subscribers:
                messages += mailing.to_subscribers(subscriptions.find_open(connection))
            queued = outbox.put(connection, messages)
            checkpoint()
    except WarehouseError:
        raise  # whether it is on record nobody knows; of files that are not, the clean-up knows
    except BaseException:
        with suppress(ArchiveError):
            archive.delete([file.path for file in files])
        raise
    return Published(made, queued, content)


def _find_made(connection: sa.Connection, wanted: Wanted, addressees: Addressees, run_id: str) -> MadeReport | None:
    """Return it, if it was made before: one that is due, by anybody; another one by the same run, whose step begins anew where
    its process was lost behind the commit.
    """
    what = wanted.kind.name, wanted.channel, wanted.period.first, wanted.period.last
    if addressees.subscribers:
        return made_reports.find_scheduled(connection, *what)
    return made_reports.find_of_run(connection, run_id, *what)
