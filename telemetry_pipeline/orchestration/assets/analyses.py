"""Every registered analysis as an asset over ``ott_views``, a step a theme. What one computes is said in the package
``analyses``.
"""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlencode, urlsplit

import dagster as dg

from telemetry_pipeline.analyses.framework.declaration import Analysis, Parameters
from telemetry_pipeline.analyses.registry import themes
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.launches import all_assets
from telemetry_pipeline.orchestration.assets import about
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import ENDING, PartsFailed, tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import ANALYSIS, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.results.catalogue import ResultInfo
from telemetry_pipeline.results.computing import Updated
from telemetry_pipeline.results.freshness.versions import code_version
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.words.pictures import PICTURE

_PREVIEW_ROWS = 2


def build_assets(daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> list[dg.AssetsDefinition]:
    """Return an asset per analysis, those of a theme made in one step, which is named by it."""
    return [_theme(theme, of_theme, daily, settings) for theme, of_theme in themes().items()]


def _theme(
    theme: str, of_theme: Mapping[str, Analysis], daily: dg.DailyPartitionsDefinition, settings: StackSettings
) -> dg.AssetsDefinition:
    config_type = about.config_of_theme(theme, of_theme.values())

    @dg.multi_asset(
        name=theme,
        specs=[_spec(analysis, settings) for analysis in of_theme.values()],
        can_subset=True,
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        op_tags=on_queue(ANALYSIS),
    )
    @tried_again(settings)
    def analyses(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        period, checkpoint = days_of(context), RunGuard(context).check
        given = config.model_dump()  # type: ignore[attr-defined]
        chosen = [of_theme[key.to_user_string()] for key in context.selected_asset_keys]
        parsed, failed = _parsed(chosen, given)
        for analysis, parameters in _widest_first(parsed, period):
            checkpoint()
            try:
                updated = warehouse.update(analysis, period, parameters, checkpoint=checkpoint)
                _tell(context, settings, analysis, period, updated)
            except ENDING:
                raise
            except Exception as err:
                # The others are none the worse for it; at the end it fails the step.
                context.log.exception(f"{analysis.name} failed")
                failed[analysis.name] = err
            else:
                yield dg.MaterializeResult(asset_key=analysis.name)
        if failed:
            raise PartsFailed(failed)

    return analyses


def _parsed(
    analyses: Iterable[Analysis], given: Mapping[str, Any]
) -> tuple[list[tuple[Analysis, Parameters]], dict[str, Exception]]:
    """Return analyses with their parameters, and by name why others cannot run with theirs."""
    parsed: list[tuple[Analysis, Parameters]] = []
    refused: dict[str, Exception] = {}
    for analysis in analyses:
        try:
            parsed.append((analysis, analysis.parse(given.get(analysis.name) or {})))
        except RequestRefused as err:
            refused[analysis.name] = err
    return parsed, refused


def _widest_first(parsed: Iterable[tuple[Analysis, Parameters]], period: Period) -> list[tuple[Analysis, Parameters]]:
    """Return analyses in the order in which the views that one has loaded do for those after it."""
    return sorted(parsed, key=lambda each: (each[0].windows(period, each[1])[0].first, each[0].name))


def _spec(analysis: Analysis, settings: StackSettings) -> dg.AssetSpec:
    return dg.AssetSpec(
        analysis.name,
        description=about.description(analysis.description, analysis.parameters),
        deps=["ott_views"],
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
    )


def _tell(
    context: dg.AssetExecutionContext, settings: StackSettings, analysis: Analysis, period: Period, updated: Updated
) -> None:
    """Add to the materializations of an analysis what is said of its results."""

    def add(said: Mapping[str, Any], day: date) -> None:
        context.add_asset_metadata(said, asset_key=analysis.name, partition_key=day.isoformat())

    facts = [
        _facts(analysis, info, reason, totals)
        for info, reason, totals in zip(updated.infos, updated.reasons, updated.totals, strict=True)
    ]
    # The one result of a period is that of each of its days.
    for day, said in zip(period.days(), facts * period.length if analysis.is_of_period else facts, strict=True):
        add(said, day)
    where = _address(analysis, updated.infos[-1], settings.web_url)
    looks = {"chart": _picture(where), "preview": _preview(updated, analysis), "rows": dg.MetadataValue.url(where)}
    add(looks, period.last)


def _preview(updated: Updated, analysis: Analysis) -> dg.TableMetadataValue:
    """Return the first rows of the last partition's result, rounded; what columns mean, the asset says."""
    rows = to_rows(updated.last.head(_PREVIEW_ROWS).round(2))
    columns = [dg.TableColumn(column.name, column.type) for column in analysis.columns]
    return dg.MetadataValue.table([dg.TableRecord(row) for row in rows], schema=dg.TableSchema(columns))


def _picture(where: str) -> dg.MarkdownMetadataValue:
    """Return the picture of the last partition's result, which the front door draws for whoever looks: by its path alone, so
    that it is found by whatever name the door behind which Dagster's pages are is known.
    """
    address = urlsplit(f"{where}&format=svg")
    return dg.MetadataValue.md(f"![{PICTURE}]({address.path}?{address.query})")


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
