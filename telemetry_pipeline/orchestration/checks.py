"""What is checked of the assets, in the step that makes them: as cheap as a query, and no step of its own a tick.

Blocking where going on would publish wrong figures; a warning where somebody should look.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import dagster as dg

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.operations.checks import NOTHING, Beyond, FutureViews, RecordsSeen, Share, ViewsSeen
from telemetry_pipeline.words.language import Language
from telemetry_pipeline.words.upkeep.checks import find_check

_MAX_FUTURE_PCT = 1.0
_MAX_REPEATED_PCT = 1.0
_CAPS_TO_CHOOSE_FROM = (4.0, 6.0, 12.0)
_TOO_FEW_VIEWS = 100


def _spec(name: str, asset: str, *, blocking: bool = False) -> dg.AssetCheckSpec:
    said = find_check(name, Language.EN)
    return dg.AssetCheckSpec(name, asset=asset, blocking=blocking, description=said.means if said else None)


RECORDS_CHECKS = [
    _spec("record_ids_are_unique", "telemetry_records", blocking=True),
    _spec("few_records_are_rejected", "telemetry_records"),
    _spec("few_records_are_of_the_future", "telemetry_records"),
]
VIEWS_CHECKS = [
    _spec("views_are_stops", "ott_views", blocking=True),
    _spec("few_views_are_unnamed", "ott_views"),
    _spec("few_views_are_of_the_future", "ott_views"),
    _spec("few_views_are_repeated", "ott_views"),
    _spec("few_hours_are_of_long_views", "ott_views"),
]
_TOTALS = "totals_agree"


def totals_check(document: str) -> dg.AssetCheckSpec:
    """Return the check of a document's totals."""
    return _spec(_TOTALS, document, blocking=True)


def limits_hours(settings: StackSettings) -> set[float]:
    """Return what of long views is looked for, in hours: what lies beyond the limit, and what caps would cut."""
    return {settings.long_view_hours, *_CAPS_TO_CHOOSE_FROM}


def check_records(seen: RecordsSeen, settings: StackSettings) -> list[dg.AssetCheckResult]:
    """Return the checks of ``telemetry_records`` after a sync."""
    unique = dg.AssetCheckResult(
        check_name="record_ids_are_unique", passed=not seen.duplicates, metadata={"duplicates": seen.duplicates}
    )
    return [
        unique,
        _share("few_records_are_rejected", seen.rejected, settings.max_rejected_pct),
        _share("few_records_are_of_the_future", seen.future, _MAX_FUTURE_PCT),
    ]


def check_views(seen: ViewsSeen, settings: StackSettings) -> list[dg.AssetCheckResult]:
    """Return the checks of ``ott_views`` after a merge."""
    stops, views, future = seen.stops, seen.unnamed.all, seen.future
    return [
        dg.AssetCheckResult(check_name="views_are_stops", passed=stops == views, metadata={"stops": stops, "views": views}),
        _share("few_views_are_unnamed", seen.unnamed, settings.max_unnamed_pct),
        _share("few_views_are_of_the_future", future.recent, _MAX_FUTURE_PCT, total=future.total, newest=_newest(future)),
        _share("few_views_are_repeated", seen.repeated, _MAX_REPEATED_PCT),
        _long_views(settings, {hours: Beyond(hours, NOTHING, NOTHING) for hours in limits_hours(settings)} | dict(seen.beyond)),
    ]


def check_totals(body: Mapping[str, Any]) -> dg.AssetCheckResult:
    """Return the check of a document: views and watch time of all analyses that count all of them, and their periods.

    :param body: as ``results.documents.assemble`` gives it.
    """
    filters = body["filters"]
    totals: dict[str, dict[str, float]] = {}
    contradictions: dict[str, Any] = {}
    for name, rows in body["analyses"].items():
        analysis = find_analysis(name)
        of = filters["analyses"][name]
        days = f"{of['first']} to {of['last']}"
        if analysis.is_of_period and (of["first"], of["last"]) != (filters["first"], filters["last"]):
            contradictions[name] = f"of {days}, not of {filters['first']} to {filters['last']}"
        covered = "all channels of " if analysis.covers == "channels" else ""
        for figure, total in _totals(analysis, rows, of.get("facts", {})).items():
            totals.setdefault(f"{figure} of {covered}{days}", {})[name] = total
    for figure, counts in totals.items():
        if max(counts.values()) - min(counts.values()) > _ROUNDING * max(counts.values()):
            contradictions[figure] = counts
    return dg.AssetCheckResult(check_name=_TOTALS, passed=not contradictions, metadata={"contradictions": contradictions})


def _totals(analysis: Analysis, rows: Sequence[Mapping[str, Any]], facts: Mapping[str, Any]) -> dict[str, float]:
    """Return what a result says of all views that it covers."""
    if analysis.compares:
        whole = not facts.keys() & {"not_compared", "provisional_days"}
        return {row["metric"]: row["current"] for row in rows if whole and row["metric"] in _FIGURES}
    figures = _FIGURES if analysis.covers else ()
    return {figure: sum(row[figure] for row in rows) for figure in figures if all(figure in row for row in rows)}


_ROUNDING = 1e-9
_FIGURES = ("views", "watch_hours")


def _newest(future: FutureViews) -> dg.TableMetadataValue:
    return dg.MetadataValue.table([dg.TableRecord(_shown(row)) for row in future.newest], schema=_FUTURE_COLUMNS)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.isoformat(" ", "seconds") if isinstance(value, datetime) else value for name, value in row.items()}


def _long_views(settings: StackSettings, beyond: Mapping[float, Beyond]) -> dg.AssetCheckResult:
    long = beyond[settings.long_view_hours]
    few = long.views.all < _TOO_FEW_VIEWS or long.seconds.percent <= settings.max_long_view_pct
    return dg.AssetCheckResult(
        check_name="few_hours_are_of_long_views",
        passed=few or settings.view_cap_hours is not None,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "advice": _advice(settings, beyond, few=few),
            "percent": round(long.seconds.percent, 3),
            "limit_percent": settings.max_long_view_pct,
            "long_views": long.views.some,
            "of": long.views.all,
            "watch_hours": round(long.seconds.all / 3600, 1),
            "caps": dg.MetadataValue.table([_cut(beyond[hours]) for hours in _CAPS_TO_CHOOSE_FROM], schema=_CUT_COLUMNS),
        },
    )


def _advice(settings: StackSettings, beyond: Mapping[float, Beyond], *, few: bool) -> str:
    if settings.view_cap_hours is not None:
        return f"VIEW_CAP_HOURS is {_plain(settings.view_cap_hours)}: analyses count no more of a view than that."
    if few:
        return "VIEW_CAP_HOURS is not needed."
    shares = ", ".join(f"{hours:g} would cut {beyond[hours].seconds.percent:.1f} %" for hours in _CAPS_TO_CHOOSE_FROM)
    return (
        f"{beyond[settings.long_view_hours].seconds.percent:.1f} % of the watch time lies beyond the first "
        f"{settings.long_view_hours:g} hours of a view, as of boxes that were left on. Set VIEW_CAP_HOURS: {shares} of it; "
        "auto takes what is usual for each channel and time of day."
    )


def _plain(cap: float | str) -> str:
    return cap if isinstance(cap, str) else f"{cap:g}"


def _cut(beyond: Beyond) -> dg.TableRecord:
    return dg.TableRecord(
        {
            "cap_hours": beyond.hours,
            "views": beyond.views.some,
            "views_pct": round(beyond.views.percent, 3),
            "watch_time_pct": round(beyond.seconds.percent, 3),
        }
    )


def _columns(**types: str) -> dg.TableSchema:
    return dg.TableSchema([dg.TableColumn(name, type) for name, type in types.items()])


_FUTURE_COLUMNS = _columns(
    record_id="int", ended_at="string", received_at="string", device_id="int", channel_name="string", duration_seconds="int"
)
_CUT_COLUMNS = _columns(cap_hours="float", views="int", views_pct="float", watch_time_pct="float")


def _share(check: str, share: Share, most_pct: float, **more: Any) -> dg.AssetCheckResult:
    figures = {"count": share.some, "of": share.all, "percent": round(share.percent, 3), "limit_percent": most_pct}
    return dg.AssetCheckResult(
        check_name=check,
        passed=share.percent <= most_pct,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={**figures, **more},
    )
