"""Documents for programs: what the analyses of a theme found, as JSON. They recompute nothing."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

import sqlalchemy as sa

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import document_store, stored, tables
from telemetry_pipeline.results.catalogue import ResultInfo, parameters_key
from telemetry_pipeline.results.freshness import inputs
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.tables import table_of
from telemetry_pipeline.warehouse.core import segments
from telemetry_pipeline.warehouse.core.segments import State
from telemetry_pipeline.warehouse.db.connections import snapshot


@dataclass(frozen=True)
class Valid:
    """Of which versions of the views a result is: from the one that changed it last to the one that changes it next."""

    first: int
    last: float

    def __contains__(self, version: int) -> bool:
        return self.first <= version <= self.last


def stale_documents(engine: sa.Engine, first: date, last: date) -> dict[date, dict[str, datetime | None]]:
    """Return by day from *first* to *last* the documents of exactly it that are not there, or not of the stored results, and
    when they were made last.

    :raises WarehouseError: PostgreSQL is unreachable, or has no schema of ours yet.
    """
    parts = {
        document: {each.name: parameters_key(each.parse({}).model_dump(mode="json")) for each in gathered(document)}
        for document in DOCUMENTS
    }
    stale: dict[date, dict[str, datetime | None]] = defaultdict(dict)
    with snapshot(engine) as connection:
        for document, day, generated_at in document_store.stale(connection, parts, first, last):
            stale[day][document] = generated_at
    return stale


def make(
    engine: sa.Engine,
    document: str,
    period: Period,
    rules: Rules,
    *,
    keep_if: Callable[[Mapping[str, Any]], bool],
    checkpoint: Callable[[], None] = lambda: None,
) -> dict[str, Any]:
    """Assemble a document of *period* and store it in place of the earlier one; gives what :func:`assemble` does.

    :param keep_if: whether it may be stored.
    :param checkpoint: called before the commit; raises to leave everything as it was.
    """
    with document_store.making(engine, document, period.first, period.last) as connection:
        state = segments.state(connection, date.min, date.max)
        body = assemble(connection, gathered(document), period, rules, state)
        if keep_if(body):
            document_store.keep(connection, document, period.first, period.last, body)
        checkpoint()
    return body


def assemble(
    connection: sa.Connection, analyses: Iterable[Analysis], period: Period, rules: Rules, state: State
) -> dict[str, Any]:
    """Return what is stored with default parameters of exactly a period, or of its last day where analyses look back from it;
    all of one version of the views, seen through a connection that holds one moment.

    :param state: of all days at that moment.
    :return: ``generated_at``; ``views_version``, of which all of it is; ``filters``: the days, and each analysis's own period,
        parameters and facts; ``analyses``: name to rows; ``missing``: the names of those that are not stored, or of another
        version, or that counted by other rules.
    """
    asked = list(analyses)
    found: dict[str, ResultInfo] = {}
    for analysis in asked:
        only = {"period": period} if analysis.is_of_period else {"day": period.last}
        info = stored.find(connection, analysis, analysis.parse({}), **only)
        if info is not None and info.rules == rules.key:
            found[analysis.name] = info
    valid = {each.name: _valid(each, found[each.name], rules, state) for each in asked if each.name in found}
    version = version_of_most([found[name].views_version for name in valid], list(valid.values()))
    filters: dict[str, Any] = {}
    rows: dict[str, Any] = {}
    for analysis in asked:
        if analysis.name in valid and version in valid[analysis.name]:
            info = found[analysis.name]
            filters[analysis.name] = _filters(info)
            rows[analysis.name] = to_rows(tables.load(connection, table_of(analysis), info))
    return {
        "generated_at": datetime.now(UTC).isoformat(),
        "views_version": version,
        "filters": {"first": period.first.isoformat(), "last": period.last.isoformat(), "analyses": filters},
        "analyses": rows,
        "missing": [analysis.name for analysis in asked if analysis.name not in rows],
    }


def version_of_most(computed_at: Sequence[int], valid: Sequence[Valid]) -> int:
    """Return the version of the views that most results are of, the newest of several; 0 of none.

    :param computed_at: the versions at which they were computed.
    """
    return max(computed_at, key=lambda version: (sum(version in each for each in valid), version), default=0)


def _valid(analysis: Analysis, info: ResultInfo, rules: Rules, state: State) -> Valid:
    of = inputs.inputs(analysis, Period(info.period_first, info.period_last), rules, state.known)
    is_current = inputs.changed(of, state) <= info.views_version
    return Valid(info.changed_version, float("inf") if is_current else info.views_version)


def _filters(info: ResultInfo) -> dict[str, Any]:
    return {
        "first": None if info.period_first == date.min else info.period_first.isoformat(),
        "last": info.period_last.isoformat(),
        "parameters": dict(info.parameters),
        "computed_at": info.computed_at.astimezone(UTC).isoformat(),
        "input_version": info.input_version,
        "facts": dict(info.facts),
    }
