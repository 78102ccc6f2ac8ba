"""The documents as assets over the analyses that they gather."""

# Annotations are values here: Dagster reads the types of an asset's arguments from them.
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.days import Period
from telemetry_pipeline.launches import all_assets
from telemetry_pipeline.orchestration.checks import check_totals, totals_check
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import REPORTS, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.results import document_store
from telemetry_pipeline.results.documents import assemble
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.core import segments


def build_assets(daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> list[dg.AssetsDefinition]:
    """One asset per document."""
    return [_asset(name, daily, settings) for name in DOCUMENTS]


def _asset(name: str, daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> dg.AssetsDefinition:
    question, kind = DOCUMENTS[name]
    analyses = gathered(name)

    @dg.asset(
        name=name,
        description=f"{question}\n\nFinished analyses as one JSON document: {', '.join(each.name for each in analyses)}.",
        deps=[each.name for each in analyses],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="documents",
        kinds={"json", "postgres"},
        tags=all_assets()[name].tags,
        metadata={"dagster/table_name": "analysis.documents"},
        check_specs=[totals_check(name)],
        op_tags=on_queue(REPORTS),
    )
    @tried_again(settings)
    def asset(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        run = Period(*days_of(context))
        guard = RunGuard(context)
        periods = [run] if kind == "period" else [Period(day, day) for day in run.days()]
        for period in periods:
            with document_store.making(warehouse.engine, name, period.first, period.last) as connection:
                state = segments.state(connection, date.min, date.max)
                body = assemble(connection, analyses, period, warehouse.views.rules, state)
                totals = check_totals(body)
                if not totals.passed:
                    yield totals
                    raise dg.Failure(f"{name} of {period} contradicts itself and is not stored", allow_retries=False)
                document_store.keep(connection, name, period.first, period.last, body)
                guard.check()
        context.add_asset_metadata({"document": dg.MetadataValue.json(body)}, partition_key=run.last.isoformat())
        yield dg.MaterializeResult(
            metadata={
                "analyses": len(body["analyses"]),
                "missing": ", ".join(body["missing"]),
                "views_version": body["views_version"],
            },
            check_results=[totals],
        )

    return asset
