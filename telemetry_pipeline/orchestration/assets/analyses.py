"""Every registered analysis as an asset over ``ott_views``. What an analysis computes is said in the package ``analyses``."""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import dagster as dg

from telemetry_pipeline.analyses.framework.declaration import Analysis
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import Period
from telemetry_pipeline.launches import all_assets
from telemetry_pipeline.orchestration.assets import about
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import ANALYSIS, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.reports.charts import drawing
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.results.freshness.versions import code_version
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import is_of_a_person

_PREVIEW_ROWS = 10


def build_assets(daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> list[dg.AssetsDefinition]:
    """Return one asset per analysis."""
    return [_asset(analysis, daily, settings) for analysis in all_analyses().values()]


def _asset(analysis: Analysis, daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> dg.AssetsDefinition:
    config_type = about.config_type(analysis.parameters)

    def with_parameters(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult[Any]:
        return _materialize(context, warehouse, settings, analysis, config.model_dump())  # type: ignore[attr-defined]

    def without_parameters(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> dg.MaterializeResult[Any]:
        return _materialize(context, warehouse, settings, analysis, {})

    declare = dg.asset(
        name=analysis.name,
        description=about.description(analysis.description, analysis.parameters),
        deps=["ott_views"],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name=analysis.theme,
        kinds={"duckdb", "postgres"},
        tags=all_assets()[analysis.name].tags
        | about.tags(of=about.days_of_analysis(analysis), personal=about.names_subscribers(analysis)),
        owners=settings.asset_owners.split(),
        code_version=code_version(analysis),
        metadata={
            "dagster/table_name": f"analysis.{analysis.name}",
            "dagster/column_schema": about.column_schema(analysis),
            "dagster/column_lineage": about.column_lineage(analysis),
            "dagster/code_references": about.code(settings, analysis.compute),
        },
        op_tags=on_queue(ANALYSIS),
    )
    return declare(tried_again(settings)(with_parameters if analysis.parameters.model_fields else without_parameters))


def _materialize(
    context: dg.AssetExecutionContext,
    warehouse: Warehouse,
    settings: StackSettings,
    analysis: Analysis,
    values: Mapping[str, Any],
) -> dg.MaterializeResult[Any]:
    period = days_of(context)
    updated = warehouse.update(analysis, period, analysis.parse(values), checkpoint=RunGuard(context).check)
    facts = [
        _facts(analysis, info, reason, totals)
        for info, reason, totals in zip(updated.infos, updated.reasons, updated.totals, strict=True)
    ]
    # The one result of a period is that of each of its days.
    for day, said in zip(period.days(), facts * period.length if analysis.is_of_period else facts, strict=True):
        context.add_asset_metadata(said, partition_key=day.isoformat())
    where = _address(analysis, updated.infos[-1], settings.web_url)
    drawn_there = {"chart": dg.MetadataValue.url(f"{where}&format=svg")}
    chart = _drawn(updated, analysis) if is_of_a_person(context.run.tags) else drawn_there
    shown = {"preview": _preview(updated, analysis), "rows": dg.MetadataValue.url(where)}
    context.add_asset_metadata({**chart, **shown}, partition_key=period.last.isoformat())
    return dg.MaterializeResult()


def _preview(updated: Updated, analysis: Analysis) -> dg.TableMetadataValue:
    """Return the first rows of the last partition's result, rounded."""
    rows = to_rows(updated.last.head(_PREVIEW_ROWS).round(2))
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows], schema=about.column_schema(analysis))


def _drawn(updated: Updated, analysis: Analysis) -> dict[str, Any]:
    """Return the picture of the last partition's result, for somebody who waits for it."""
    chart = drawing.svg(analysis.name, updated.last)
    return {"chart": dg.MetadataValue.md(drawing.as_markdown(chart))} if chart else {}


def _address(analysis: Analysis, info: ResultInfo, web_url: str | None) -> str:
    """Return where the front door gives a result: as pages behind it name that, where nobody said by which name it is known."""
    days = {"from": info.period_first.isoformat()} if analysis.is_of_period else {}
    asked = analysis.parse(info.parameters).model_dump(mode="json", exclude_defaults=True)
    named = {name: "null" if value is None else value for name, value in asked.items()}
    query = urlencode({**days, "to": info.period_last.isoformat(), **named})
    return f"{(web_url or '').rstrip('/')}/api/analyses/{info.asset}?{query}"


def _facts(analysis: Analysis, info: ResultInfo, reason: str | None, totals: Mapping[str, float]) -> dict[str, Any]:
    """Return what is said of every partition's result."""
    age = f"reused: computed {info.computed_at:%Y-%m-%d %H:%M} UTC from the same views"
    return {
        "dagster/row_count" if analysis.is_of_period else "dagster/partition_row_count": info.row_count,
        **{name: round(total, 2) for name, total in totals.items()},
        "compute_seconds": round(info.compute_seconds, 4),
        "period": str(Period(info.period_first, info.period_last)),
        "parameters": dict(info.parameters),
        "result": f"computed: {reason}" if reason else age,
        **info.facts,
    }
