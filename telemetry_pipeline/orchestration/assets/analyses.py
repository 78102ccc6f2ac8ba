"""Every registered analysis as an asset over ``ott_views``. What an analysis computes is said in the package ``analyses``."""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
from typing import Any

import dagster as dg
from pydantic import Field, create_model

from telemetry_pipeline.analyses.registry import Analysis, Parameters, Period, all_analyses
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.steps import RETRIES, RunGuard, failing_clearly
from telemetry_pipeline.reports.rows import to_rows
from telemetry_pipeline.warehouse import results

_PREVIEW_ROWS = 20


def build_assets(daily: dg.DailyPartitionsDefinition) -> list[dg.AssetsDefinition]:
    """One asset per analysis."""
    return [_asset(analysis, daily) for analysis in all_analyses().values()]


def _asset(analysis: Analysis, daily: dg.DailyPartitionsDefinition) -> dg.AssetsDefinition:
    config_type = _config_type(analysis.parameters)
    schema = _column_schema(analysis)

    @dg.asset(
        name=analysis.name,
        description=analysis.description,
        deps=["ott_views"],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="analyses",
        kinds={"postgres"},
        metadata={
            "dagster/table_name": f"analysis.{analysis.name}",
            "dagster/column_schema": schema,
        },
        retry_policy=RETRIES,
    )
    def asset(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> dg.MaterializeResult[Any]:
        guard = RunGuard(context)
        with failing_clearly():
            parameters = analysis.parse(config.model_dump())  # type: ignore[attr-defined]
            computed = []
            with warehouse.engine.begin() as connection:
                for window in analysis.windows(Period(*days_of(context)), parameters):
                    frame = analysis.compute(connection, window, parameters)
                    computed.append(analysis.result(window, parameters, frame))
                    guard.check()
                results.replace(connection, analysis.table, computed)
        for result in computed:
            context.add_asset_metadata(
                {"dagster/partition_row_count": len(result.frame)}, partition_key=result.period_last.isoformat()
            )
        return dg.MaterializeResult(
            metadata={
                "period": str(window),
                "parameters": parameters.model_dump(mode="json"),
                "preview": dg.MetadataValue.table(
                    [dg.TableRecord(row) for row in to_rows(frame.head(_PREVIEW_ROWS))], schema=schema
                ),
            }
        )

    return asset


def _config_type(parameters: type[Parameters]) -> type[dg.Config]:
    """The parameters as Dagster's configuration; their bounds are checked at launch and by ``Analysis.parse``."""
    fields: dict[str, Any] = {
        name: (field.annotation, Field(default=field.default, description=field.description))
        for name, field in parameters.model_fields.items()
    }
    return create_model(f"{parameters.__name__}Config", __base__=dg.Config, **fields)


def _column_schema(analysis: Analysis) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[dg.TableColumn(column.name, column.type, description=column.explanation) for column in analysis.columns]
    )
