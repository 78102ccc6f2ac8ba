"""Documents for programs: what the analyses of a kind found, as JSON. They recompute nothing."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import Analysis, Kind, all_analyses
from telemetry_pipeline.reports.rows import to_rows
from telemetry_pipeline.warehouse import results

DOCUMENTS: dict[str, tuple[str, Kind]] = {
    "full_analysis": ("What do the general analyses say that look back from this day?", "general"),
    "subscribers_analysis": ("What do the analyses of subscribers say that look back from this day?", "subscribers"),
    "period_analysis": ("What do the analyses of exactly this period say?", "period"),
}
"""Name to the question that a document answers, and the kind of analyses that it gathers."""


def gathered(document: str) -> list[Analysis]:
    """The analyses in a document: those of its kind that run without being told a subscriber."""
    _, kind = DOCUMENTS[document]
    return [each for each in all_analyses().values() if each.kind == kind and each.runs_unattended]


def assemble(connection: sa.Connection, analyses: Iterable[Analysis], first: date, last: date) -> dict[str, Any]:
    """What is stored of the days, seen through a connection that holds one moment.

    :return: ``generated_at``; ``filters``: the days, and each analysis's own period, parameters and version of its views;
        ``analyses``: name to rows; ``missing``: the names of those that are not stored.
    """
    filters: dict[str, Any] = {}
    found: dict[str, Any] = {}
    missing: list[str] = []
    for analysis in analyses:
        info = results.newest(connection, analysis.table, last)
        if info is None:
            missing.append(analysis.name)
            continue
        start = None if info.period_first == date.min else info.period_first.isoformat()
        filters[analysis.name] = {
            "first": start,
            "last": info.period_last.isoformat(),
            "parameters": dict(info.parameters),
            "computed_at": info.computed_at.astimezone(UTC).isoformat(),
            "input_version": info.input_version,
        }
        found[analysis.name] = to_rows(results.load(connection, analysis.table, info))
    return {
        "generated_at": datetime.now(UTC).isoformat(),
        "filters": {"first": first.isoformat(), "last": last.isoformat(), "analyses": filters},
        "analyses": found,
        "missing": missing,
    }
