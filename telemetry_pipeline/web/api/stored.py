"""Documents as steps stored them, for whoever asks for one: without what he may not see."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import document_store
from telemetry_pipeline.warehouse.db.connections import snapshot


def find(engine: sa.Engine, document: str, days: Period | None, *, personal: bool) -> dict[str, Any]:
    """Return the document of exactly some days, or the newest: what ``results.documents.assemble`` gives, and, under
    ``left_out``, which analyses are in it and not shown.

    :param personal: whether subscribers and their devices are shown.
    :raises LookupError: there is none; says of which days there are some.
    """
    with snapshot(engine) as connection:
        body = document_store.read(connection, document, (days.first, days.last) if days else None)
        there = document_store.periods(connection, document) if body is None else []
    if body is None:
        of = f" of {_said(days)}" if days else ""
        newest = f"; the newest is of {_said(Period(*there[0]))}" if there else ""
        raise LookupError(f"{document}{of} has not been computed", f"launch it{newest}")
    return body | {"left_out": []} if personal else _without_subscribers(body)


def _said(days: Period) -> str:
    return str(days.last) if days.length == 1 else str(days)


def _without_subscribers(body: Mapping[str, Any]) -> dict[str, Any]:
    known, stored = all_analyses(), body["analyses"]
    shown = {name: known[name] for name in stored if name in known and not known[name].is_of_subscribers}
    named = {name: {column.name for column in each.columns if column.is_personal} for name, each in shown.items()}
    rows = {name: [{key: row[key] for key in row if key not in named[name]} for row in stored[name]] for name in shown}
    of_each = {name: facts for name, facts in body["filters"]["analyses"].items() if name in shown}
    return {
        **body,
        "filters": {**body["filters"], "analyses": of_each},
        "analyses": rows,
        "left_out": [name for name in stored if name not in shown],
    }
