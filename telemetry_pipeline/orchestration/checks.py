"""What is checked of the assets, in the step that makes them: as cheap as a query, and no step of its own a tick.

Blocking where going on would publish wrong figures; a warning where somebody should look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.registry import is_of_period
from telemetry_pipeline.settings import Settings
from telemetry_pipeline.warehouse import checks
from telemetry_pipeline.warehouse.checks import Share
from telemetry_pipeline.warehouse.database import snapshot

_MAX_FUTURE_PCT = 1.0

RECORDS_CHECKS = [
    dg.AssetCheckSpec(
        "record_ids_are_unique",
        asset="telemetry_records",
        blocking=True,
        description="A record id is stored once: in a tick among the newest 50,000, in a repair among all.",
    ),
    dg.AssetCheckSpec(
        "few_records_are_rejected",
        asset="telemetry_records",
        description="At most MAX_REJECTED_PCT of the records of the last 24 hours could not be stored.",
    ),
    dg.AssetCheckSpec(
        "few_records_are_of_the_future",
        asset="telemetry_records",
        description=f"At most {_MAX_FUTURE_PCT} % of the newest records claim to be of more than an hour from now.",
    ),
]
VIEWS_CHECKS = [
    dg.AssetCheckSpec(
        "views_are_stops",
        asset="ott_views",
        blocking=True,
        description="There are as many views of the run's days as merged stops with a channel id.",
    ),
    dg.AssetCheckSpec(
        "few_views_are_unnamed",
        asset="ott_views",
        description="At most MAX_UNNAMED_PCT of the views of the run's days lack the name of their channel.",
    ),
]
_TOTALS = "totals_agree"


def totals_check(document: str) -> dg.AssetCheckSpec:
    """The check of a document's totals."""
    return dg.AssetCheckSpec(
        _TOTALS,
        asset=document,
        blocking=True,
        description="All of it is of the document's own period, and analyses of the same days that count all views and all watch "
        "time have as much; a document that contradicts itself is not stored.",
    )


def check_records(engine: sa.Engine, settings: Settings, first: date, last: date, *, recent: bool) -> list[dg.AssetCheckResult]:
    """The checks of ``telemetry_records`` after a sync of some days."""
    with snapshot(engine) as connection:
        duplicates = checks.duplicate_ids(connection, recent=recent)
        rejected = checks.rejected_records(connection, first, last)
        future = checks.future_records(connection)
    return [
        dg.AssetCheckResult(check_name="record_ids_are_unique", passed=not duplicates, metadata={"duplicates": duplicates}),
        _share("few_records_are_rejected", rejected, settings.max_rejected_pct),
        _share("few_records_are_of_the_future", future, _MAX_FUTURE_PCT),
    ]


def check_views(engine: sa.Engine, settings: Settings, first: date, last: date) -> list[dg.AssetCheckResult]:
    """The checks of ``ott_views`` after a merge of some days."""
    with snapshot(engine) as connection:
        stops = checks.merged_stops(connection, first, last)
        unnamed = checks.unnamed_views(connection, first, last)
    return [
        dg.AssetCheckResult(
            check_name="views_are_stops", passed=stops == unnamed.all, metadata={"stops": stops, "views": unnamed.all}
        ),
        _share("few_views_are_unnamed", unnamed, settings.max_unnamed_pct),
    ]


def check_totals(body: Mapping[str, Any]) -> dg.AssetCheckResult:
    """The check of a document: views and watch time of all analyses that count all of them, and their periods.

    :param body: as ``reports.documents.assemble`` gives it.
    """
    filters = body["filters"]
    totals: dict[str, dict[str, float]] = {}
    contradictions: dict[str, Any] = {}
    for name, rows in body["analyses"].items():
        of = filters["analyses"][name]
        if is_of_period(name) and (of["first"], of["last"]) != (filters["first"], filters["last"]):
            contradictions[name] = f"of {of['first']} to {of['last']}, not of {filters['first']} to {filters['last']}"
        for figure, total in _totals(name, rows, of.get("facts", {})).items():
            totals.setdefault(f"{figure} of {of['first']} to {of['last']}", {})[name] = total
    for figure, counts in totals.items():
        if max(counts.values()) - min(counts.values()) > _ROUNDING * max(counts.values()):
            contradictions[figure] = counts
    return dg.AssetCheckResult(check_name=_TOTALS, passed=not contradictions, metadata={"contradictions": contradictions})


def _totals(name: str, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, float]:
    """What a result says of all views of its period, where it does."""
    if name == "period_comparison":
        whole = not facts.keys() & {"not_compared", "provisional_days"}
        return {row["metric"]: row["current"] for row in rows if whole and row["metric"] != "subscribers"}
    figures = ("views", "watch_hours") if name in _COUNT_ALL_VIEWS else ()
    return {figure: sum(row[figure] for row in rows) for figure in figures if all(figure in row for row in rows)}


_ROUNDING = 1e-9
_COUNT_ALL_VIEWS = frozenset(
    [
        "day_over_day",
        "general_summary",
        "period_breakdown",
        "period_events",
        "period_summary",
        "time_slots",
        "viewing_by_period",
    ]
)


def _share(check: str, share: Share, most_pct: float) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check,
        passed=share.percent <= most_pct,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"count": share.some, "of": share.all, "percent": round(share.percent, 3), "limit_percent": most_pct},
    )
