"""Results of one analysis with a table of its own, and what is read of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pandas as pd
import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.columns import Column, conform
from telemetry_pipeline.results import catalogue, tables
from telemetry_pipeline.results.tables import Result, ResultTable, StoredResult

COLUMNS = (
    Column("channel", "text", "name", key=True),
    Column("rank", "bigint", "place"),
    Column("share_pct", "double precision", "share", unit="percent"),
    Column("day", "date", "a day"),
    Column("peak", "boolean", "is it one"),
)
TABLE = ResultTable("order", COLUMNS)  # a reserved word, so that a missing quote shows
DAY = date(2026, 3, 31)
Row = tuple[Any, ...]


def frame(*rows: Row) -> pd.DataFrame:
    return conform(pd.DataFrame(list(rows), columns=[c.name for c in COLUMNS], dtype=object), COLUMNS)


def result(*rows: Row, day: date = DAY, first: date = date(2026, 3, 2), **parameters: Any) -> Result:
    return Result(first, day, day, parameters, frame(*rows))


def of_period(*rows: Row, first: date, last: date = DAY) -> Result:
    return replace(result(*rows, day=last, first=first), partition_date=None)


def row(channel: str, rank: int = 1) -> Row:
    return (channel, rank, 12.5, DAY, True)


def store(engine: sa.Engine, *stored: Result, table: ResultTable = TABLE) -> int:
    with engine.begin() as connection:
        return sum(info.row_count for info in tables.replace(connection, table, stored))


def read(
    connection: sa.Connection, partition: date | None = None, table: ResultTable = TABLE, **parameters: Any
) -> StoredResult | None:
    info = catalogue.newest(connection, table.name, parameters, partition)
    return None if info is None else StoredResult(info, tables.load(connection, table, info))


def channels(engine: sa.Engine, partition: date | None = None, **parameters: Any) -> list[Any] | None:
    """The channels of the newest result with exactly these parameters; None if there is no result."""
    with engine.connect() as connection:
        stored = read(connection, partition, **parameters)
    return None if stored is None else stored.frame["channel"].tolist()
