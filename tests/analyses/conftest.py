"""Histories for the analyses: plain views, held by column as those of the warehouse are."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
from analyses.oracle import View
from analyses.seen import Cap as Hours

from telemetry_pipeline.analyses.framework.caps import Cap
from telemetry_pipeline.analyses.framework.marks import PROVISIONAL, SMALL_BASE
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import EVERYTHING, Completeness, Period
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.views.windows import Store
from telemetry_pipeline.warehouse.core import segments

DAY = date(2026, 1, 3)
ZONE = ZoneInfo("America/Mexico_City")


class History:
    """Exactly some views. All histories of one zone, cap and small base take turns in one store.

    :param known: of which days all was read.
    """

    def __init__(
        self,
        views: Iterable[View],
        zone: ZoneInfo = ZONE,
        cap_hours: Hours = None,
        known: Completeness = EVERYTHING,
        small_base: int = 30,
    ) -> None:
        names = segments.SCHEMA.names
        rows = [{name: getattr(view, name) for name in names} for view in views]
        table = pa.Table.from_pylist(rows, schema=pa.schema([(f.name, _plain(f.type)) for f in segments.SCHEMA]))
        self._segments = segments.from_rows(table, known)
        self._rules = Rules(zone, Cap(cap_hours), small_base)

    @property
    def store(self) -> Store:
        """It, with these views in it."""
        store = _store(self._rules)
        if _inside.get(store) is not self:
            store.put(self._segments, Period(date.min, date.max))
            _inside[store] = self
        return store

    def frame(self, name: str, period: Period | date = DAY, **parameters: Any) -> pd.DataFrame:
        """What an analysis gives: of a period, or of the partition of a day."""
        analysis = find_analysis(name)
        values = analysis.parse(parameters)
        window = period if isinstance(period, Period) else analysis.window(period, values)
        return analysis.compute(self.store.views(window), values)

    def ask(self, name: str, period: Period | date = DAY, **parameters: Any) -> list[dict[str, Any]]:
        """The same as rows."""
        return to_rows(self.frame(name, period, **parameters))

    def facts(self, name: str, period: Period | date = DAY, **parameters: Any) -> dict[str, Any]:
        """What the analysis says besides, for the metadata."""
        facts: dict[str, Any] = self.frame(name, period, **parameters).attrs.get("facts", {})
        return facts


def own(row: dict[str, Any]) -> dict[str, Any]:
    """What an analysis says itself, without the marks that every table has."""
    return {name: value for name, value in row.items() if name not in (PROVISIONAL.name, SMALL_BASE.name)}


_inside: dict[Store, History] = {}


@functools.cache
def _store(rules: Rules) -> Store:
    return Store(rules)


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
