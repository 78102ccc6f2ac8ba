"""What is stored, for readers: exactly what was asked for, or nothing. Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import catalogue, tables
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.freshness import inputs
from telemetry_pipeline.results.tables import StoredResult, table_of
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.raw import completeness


def find(
    connection: sa.Connection,
    analysis: Analysis,
    parameters: Parameters,
    *,
    day: date | None = None,
    period: Period | None = None,
) -> ResultInfo | None:
    """Return what the catalogue says of the result with exactly these parameters.

    :param day: of its partition, or of exactly that day. Without it and *period*, the newest day there is, and of a period
        analysis that is stored for no single day the newest period.
    :param period: of exactly these days.
    :raises RequestRefused: the analysis looks back from a day, and the period has several.
    """
    values = parameters.model_dump(mode="json")
    if period is None:
        return catalogue.newest(connection, analysis.name, values, day)
    exactly = analysis.asked(period.first, period.last, parameters)
    return catalogue.find(connection, analysis.name, values, period.last, period.last).get((exactly.first, exactly.last))


def read(
    connection: sa.Connection,
    analysis: Analysis,
    parameters: Parameters,
    rules: Rules,
    *,
    day: date | None = None,
    period: Period | None = None,
) -> StoredResult | None:
    """Return the result that :func:`find` names, with its rows, through a connection that holds one moment."""
    info = find(connection, analysis, parameters, day=day, period=period)
    if info is None:
        return None
    stored = StoredResult(info, tables.load(connection, table_of(analysis), info))
    return replace(stored, outdated=is_outdated(connection, analysis, info, rules))


def is_outdated(connection: sa.Connection, analysis: Analysis, info: ResultInfo, rules: Rules) -> bool:
    """Return whether what a result was computed from has changed since, or its table lacks a column of it."""
    period = Period(info.period_first, info.period_last)
    of = inputs.inputs(analysis, period, rules, completeness.read(connection))
    state = segments.state(connection, of.around.first, of.around.last)
    if inputs.version(of, state, rules) != info.input_version:
        return True
    return bool(tables.damaged(connection, [table_of(analysis)]))


def periods(connection: sa.Connection, analysis: Analysis) -> list[tuple[date, date, Mapping[str, Any]]]:
    """Return first day, last day and parameters of all that is stored of an analysis, the newest first."""
    return catalogue.stored_periods(connection, analysis.name)
