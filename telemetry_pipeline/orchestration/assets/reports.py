"""The reports as assets over the analyses that they gather, by days, ISO weeks and months."""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
from collections.abc import Iterator
from datetime import date
from typing import Any

import dagster as dg

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.analyses.reports import KINDS, Kind
from telemetry_pipeline.launches import all_assets
from telemetry_pipeline.orchestration.assets import about
from telemetry_pipeline.orchestration.partitions import partitions_of
from telemetry_pipeline.orchestration.resources import Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import REPORTS, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import RunGuard
from telemetry_pipeline.reports.archive.formats import FORMATS, link, name_of
from telemetry_pipeline.reports.publishing.published import Addressees, Published
from telemetry_pipeline.settings.loading import StackSettings


def build_assets(settings: StackSettings) -> list[dg.AssetsDefinition]:
    """Return one asset per kind of report."""
    return [_asset(kind, settings) for kind in KINDS.values()]


def _asset(kind: Kind, settings: StackSettings) -> dg.AssetsDefinition:
    launched = all_assets()[kind.name]
    config_type = about.config_type(kind.parameters)
    listed = "\n".join(f"- `{name}`: {find_analysis(name).question}" for name in kind.analyses)

    @dg.asset(
        name=kind.name,
        description=about.description(f"{launched.purpose}\n\n{listed}", kind.parameters),
        deps=list(kind.analyses),
        partitions_def=partitions_of(kind.grain, settings),
        output_required=False,
        group_name="reports",
        kinds={"pdf", "excel", "html"},
        tags=about.tags(of="range", personal=any(about.names_subscribers(find_analysis(name)) for name in kind.analyses)),
        owners=settings.asset_owners.split(),
        metadata={
            "dagster/table_name": "telemetry.made_reports",
            "dagster/code_references": about.code(settings, Warehouse.publish),
        },
        op_tags=on_queue(REPORTS),
    )
    @tried_again(settings)
    def asset(
        context: dg.AssetExecutionContext,
        config: config_type,  # type: ignore[valid-type]
        warehouse: dg.ResourceParam[Warehouse],
    ) -> Iterator[dg.MaterializeResult[Any]]:
        given = kind.parse(config.model_dump())  # type: ignore[attr-defined]
        partition = date.fromisoformat(context.partition_key)
        wanted = kind.wanted(partition, given)
        addressees = Addressees(given.deliver, given.send_to or "")
        published = warehouse.publish(wanted, addressees, context.run.run_id, checkpoint=RunGuard(context).check)
        said = _said(published, settings.web_url)
        if wanted.period == kind.period_of(partition):
            yield dg.MaterializeResult(metadata=said)
        else:
            # Of other days than the partition's, which is not made by it.
            context.log_event(dg.AssetObservation(kind.name, metadata=said))

    return asset


def _said(published: Published, web_url: str | None) -> dict[str, Any]:
    made, content = published.made, published.content
    files = {file.format: link(web_url, made, file) for file in made.files if file.format in FORMATS}
    return {
        "period": f"{made.period_first} to {made.period_last}",
        **({"channel": made.channel} if made.channel else {}),
        "complete": made.is_complete,
        "messages_queued": published.queued,
        "report": "made" if content else f"reused: it was made {made.made_at:%Y-%m-%d %H:%M} UTC",
        **{form: dg.MetadataValue.url(where) if web_url else dg.MetadataValue.path(where) for form, where in files.items()},
        "names": [name_of(file) for file in made.files if file.format in FORMATS],
        "kilobytes": round(sum(file.bytes for file in made.files) / 1000),
        **({figure.name: figure.value for figure in content.figures} if content else {}),
    }
