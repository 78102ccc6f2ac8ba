"""Counts as whole numbers, where results store them as fractions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from telemetry_pipeline.analyses.framework.columns import Column

# Of what one can have a whole number; a mean of them need not be one.
_COUNTED = {"views", "subscribers", "devices", "channels", "days", "streams", "transitions"}
# Key columns that say what the values of their rows are.
_METRICS = {"metric", "item", "ranking"}


def whole_counts(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the same rows with counts as whole numbers, where they are stored as fractions.

    A column of counts is whole if all of its values are. A column with a metric a row is so for each metric.
    """
    shown = [dict(row) for row in rows]
    metrics = [column.name for column in columns if column.key and column.name in {*_METRICS, "section"}]
    by_metric = bool(_METRICS.intersection(metrics))
    mixed = [each.name for each in columns if each.type == "double precision" and each.unit is None] if by_metric else []
    for column in columns:
        if column.type == "double precision" and column.unit in _COUNTED:
            _make_whole(shown, [column.name])
    if mixed:
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in shown:
            groups.setdefault(tuple(row[name] for name in metrics), []).append(row)
        for group in groups.values():
            _make_whole(group, mixed)
    return shown


def _make_whole(rows: Sequence[dict[str, Any]], names: Sequence[str]) -> None:
    values = [row[name] for row in rows for name in names if row[name] is not None]
    if all(float(value).is_integer() for value in values):
        for row in rows:
            row.update({name: int(row[name]) for name in names if row[name] is not None})
