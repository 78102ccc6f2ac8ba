"""Which analyses and documents there are, the questions that they answer, and of which day the newest of each is."""

from __future__ import annotations

from typing import Any

import click

from telemetry_pipeline.analyses.documents import DOCUMENTS
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.cli.output import to_json
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.showing.asking import newest_days
from telemetry_pipeline.cli.showing.delivery import Delivery, Table
from telemetry_pipeline.cli.target import database_url
from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.settings.loading import StackSettings

_HINT = "'telemetry-pipeline show NAME' shows a result, 'telemetry-pipeline run NAME' computes one"


def list_analyses(settings: StackSettings, delivery: Delivery) -> None:
    """Hand over the list; without a database it says only what there could be."""
    if delivery.form == "xlsx":
        raise click.UsageError("Name an analysis; the list is no workbook.")
    rows = _rows(settings)
    columns = list(rows[0])
    if delivery.form == "json":
        delivery.put(f"{to_json(rows)}\n")
    elif delivery.form == "csv":
        delivery.csv(columns, rows)
    else:
        delivery.tables([Table(columns, [list(row.values()) for row in rows], _HINT, prose=True)])


def _rows(settings: StackSettings) -> list[dict[str, Any]]:
    newest: dict[str, Any] = {}
    try:
        newest = newest_days(database_url(settings))
    except WarehouseError as err:
        say(f"note: what is stored is not known: {err}", err=True)
    listed: list[tuple[str, str, str]] = [(each.name, each.theme, each.question) for each in all_analyses().values()]
    listed += [(name, "document", question) for name, (question, _) in DOCUMENTS.items()]
    return [
        {"name": name, "theme": theme, "newest": str(newest[name]) if newest.get(name) else None, "question": question}
        for name, theme, question in listed
    ]
