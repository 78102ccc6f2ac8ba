"""A front door over reports that were made, with who gets them and what became of that."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from operating import answers, door_over
from starlette.types import ASGIApp
from webservers import TARGETS, FakeWebserver, asset_node

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.outgoing import made_reports, outbox, subscriptions
from telemetry_pipeline.warehouse.outgoing.made_reports import File, MadeReport
from telemetry_pipeline.warehouse.outgoing.outbox import Message

ANA, LUIS = "ana.maria@example.com", "luis@example.net"
CHANNEL = "Canal <b>Siete</b>"
BODIES = {
    "pdf": b"%PDF-1.7 of a report",
    "xlsx": b"PK of a report",
    "html": "<!doctype html><title>Año</title><script>document.title = 'ran'</script><p>Ñandú</p>".encode(),
    "png": b"\x89PNG of a report",
}
_FORGET = """
    truncate telemetry.made_reports, telemetry.subscriptions, telemetry.outbox, telemetry.channel_names, telemetry.audit
"""


def door_with_reports(dagster: FakeWebserver, engine: sa.Engine, url: str, directory: Path, **settings: Any) -> ASGIApp:
    """The door; nothing was made yet, and there is one channel."""
    with engine.begin() as connection:
        connection.execute(sa.text(_FORGET))
        connection.execute(sa.text("insert into telemetry.channel_names values (7, :name, 1, 1)"), {"name": CHANNEL})
    targets = {**TARGETS["repositoryOrError"], "assetNodes": [_node(name) for name in KINDS]}
    dagster.answers |= {**answers(), "Targets": {"repositoryOrError": targets}}
    return door_over(dagster, engine, url, reports_url=str(directory), **settings)


def _node(name: str) -> dict[str, Any]:
    return asset_node(name, "reports", ["pdf"], "__ASSET_JOB")


def keep(engine: sa.Engine, directory: Path, report: str = "daily_report", channel: str = "", **others: Any) -> MadeReport:
    """Have a report kept, in every format."""
    stem = f"{report}/2026/{report}_2026-11-27_20261128T140003Z_a1b2c3"
    (directory / stem).parent.mkdir(parents=True, exist_ok=True)
    for form, body in BODIES.items():
        (directory / f"{stem}.{form}").write_bytes(body)
    files = [File(form, f"{stem}.{form}", len(body)) for form, body in BODIES.items()]
    given: dict[str, Any] = {"is_scheduled": True, "is_complete": True, **others}
    with engine.begin() as connection:
        return made_reports.add(connection, report, channel, date(2026, 11, 27), date(2026, 11, 27), files, **given)


def have_subscribed(engine: sa.Engine, *recipients: str) -> int:
    """Have people get the daily report; the number of the subscription."""
    with engine.begin() as connection:
        added = subscriptions.add(connection, Actor("root", "command"), "daily_report", "", ["pdf"], recipients)
        return added.subscription_id


def have_sent(engine: sa.Engine, recipient: str, state: str, outcome: str = "", age_minutes: int = 0) -> int:
    """Put a message on record of which that became; its number."""
    about = f"report:1:{recipient}:{state}"
    settle = """
        update telemetry.outbox set state = :state, outcome = :outcome, tries = case :state when 'waiting' then 0 else 3 end,
            settled_at = case when :state = 'waiting' then null else now() end,
            not_before = now() - make_interval(mins => :age)
        where about = :about returning message_id
    """
    with engine.begin() as connection:
        outbox.put(connection, [Message("report", about, "mail", recipient, "Informe diario · 27 nov 2026", "cuerpo")])
        values = {"state": state, "outcome": outcome, "about": about, "age": age_minutes}
        return int(connection.scalar(sa.text(settle), values) or 0)
