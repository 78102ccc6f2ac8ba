"""The documents as assets over the analyses that they gather."""

# Annotations are values here: Dagster reads the types of an asset's arguments from them.
from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg

from telemetry_pipeline.analyses.documents import DOCUMENTS, gathered
from telemetry_pipeline.days import Period
from telemetry_pipeline.launches import all_assets
from telemetry_pipeline.orchestration.assets import about
from telemetry_pipeline.orchestration.checks import check_totals, totals_check
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import REPORTS, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.results.documents import assemble
from telemetry_pipeline.settings.loading import StackSettings


def build_assets(daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> list[dg.AssetsDefinition]:
    """Return one asset per document."""
    return [_asset(name, daily, settings) for name in DOCUMENTS]


def _asset(name: str, daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> dg.AssetsDefinition:
    question, theme = DOCUMENTS[name]
    analyses = gathered(name)
    listed = "\n".join(f"- `{each.name}`: {each.question}" for each in analyses)

    @dg.asset(
        name=name,
        description=f"{question}\n\nFinished analyses as one JSON document:\n\n{listed}",
        deps=[each.name for each in analyses],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="documents",
        kinds={"json", "postgres"},
        tags=all_assets()[name].tags
        | about.tags(of="range" if theme == "period" else "window", personal=any(map(about.names_subscribers, analyses))),
        owners=settings.asset_owners.split(),
        metadata={
            "dagster/table_name": "analysis.documents",
            "dagster/code_references": about.code(settings, assemble),
        },
        check_specs=[totals_check(name)],
        op_tags=on_queue(REPORTS),
    )
    @tried_again(settings)
    def asset(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        run, checkpoint = days_of(context), RunGuard(context).check
        for period in [run] if theme == "period" else [Period(day, day) for day in run.days()]:
            body = warehouse.gather(name, period, keep_if=lambda body: check_totals(body).passed, checkpoint=checkpoint)
            totals = check_totals(body)
            if not totals.passed:
                yield totals
                raise dg.Failure(f"{name} of {period} contradicts itself and is not stored", allow_retries=False)
            for day in period.days():
                context.add_asset_metadata(_facts(body), partition_key=day.isoformat())
        where = f"{(settings.web_url or '').rstrip('/')}/api/documents/{name}/stored?from={period.first}&to={period.last}"
        context.add_asset_metadata({"document": dg.MetadataValue.url(where)}, partition_key=run.last.isoformat())
        yield dg.MaterializeResult(check_results=[totals])

    return asset


def _facts(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is said of the document of every partition."""
    return {
        "analyses": len(body["analyses"]),
        "analyses_missing": len(body["missing"]),
        **({"missing": ", ".join(body["missing"])} if body["missing"] else {}),
        "views_version": body["views_version"],
    }
