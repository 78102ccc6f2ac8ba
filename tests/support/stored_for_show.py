"""Results to show: stored as the pipeline stores them, columns that nobody gave are null."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.columns import conform
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import tables
from telemetry_pipeline.results.tables import Result, table_of


def day(number: int) -> date:
    return date(2026, 10, number)


VERSIONS = {"views_version": 41, "changed_version": 40}


def storing(engine: sa.Engine) -> Callable[..., None]:
    """Stores a result of a day or a period; columns that are not given are null."""

    def store(
        name: str,
        first: date,
        values: dict[str, list[Any]],
        last: date | None = None,
        parameters: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        analysis = find_analysis(name)
        rows = len(next(iter(values.values()), []))
        columns = {column.name: values.get(column.name, [None] * rows) for column in analysis.columns}
        parsed = analysis.parse(parameters or {})
        period = Period(first, last or first) if analysis.is_of_period else analysis.window(first, parsed)
        partition = None if analysis.is_of_period else period.last
        frame = conform(pd.DataFrame(columns, dtype=object), analysis.columns)
        result = Result(period.first, period.last, partition, parsed.model_dump(mode="json"), frame, **more)
        with engine.begin() as connection:
            tables.replace(connection, table_of(analysis), [result])

    return store
