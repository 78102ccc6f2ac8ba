"""What results come to: views and watch hours of analyses that count all of them, row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.results.catalogue import SCHEMA, ResultInfo

FIGURES = {"views": int, "watch_hours": float}
"""The columns, with what their sums are; each has one meaning and one unit in all tables."""


def totals(connection: sa.Connection, analysis: Analysis, infos: Sequence[ResultInfo]) -> list[Mapping[str, float]]:
    """Return the sums of each of some results with the same parameters; nothing of an analysis whose rows do not count all
    views.
    """
    figures = [column.name for column in analysis.columns if column.name in FIGURES] if analysis.covers == "all" else []
    if not figures or not infos:
        return [{} for _ in infos]
    keys: list[sa.ColumnClause[Any]] = [sa.column(name) for name in ("period_first", "period_last", "parameters_key")]
    first, last, key = keys
    columns: list[sa.ColumnClause[Any]] = [sa.column(name) for name in figures]
    query = (
        sa.select(first, last, *(sa.func.coalesce(sa.func.sum(column), 0) for column in columns))
        .select_from(sa.table(analysis.name, *keys, *columns, schema=SCHEMA))
        .where(key == infos[0].parameters_key, last.between(infos[0].period_last, infos[-1].period_last))
        .group_by(first, last)
    )
    found = {(row[0], row[1]): row[2:] for row in connection.execute(query)}
    nothing = [0] * len(figures)
    return [
        {
            name: FIGURES[name](total)
            for name, total in zip(figures, found.get((info.period_first, info.period_last), nothing), strict=True)
        }
        for info in infos
    ]
