"""The assets that every analysis is computed from: raw records, and the views merged from them."""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa
from pydantic import Field

from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.analyses.staleness import stale_of
from telemetry_pipeline.analyses.views import Rules
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.orchestration.checks import RECORDS_CHECKS, VIEWS_CHECKS, check_records, check_views
from telemetry_pipeline.orchestration.executor import INGEST, on_queue
from telemetry_pipeline.orchestration.partitions import days_of, today
from telemetry_pipeline.orchestration.resources import PanAccess, Warehouse
from telemetry_pipeline.orchestration.steps import RETRIES, ProgressReporter, RunGuard, failing_clearly
from telemetry_pipeline.reports.documents import stale_documents
from telemetry_pipeline.settings import Settings
from telemetry_pipeline.warehouse import records, segments, views

PANACCESS_POOL = "panaccess"
"""Bounds how many steps read from PanAccess at the same time; its limit is in dagster.yaml and in the web UI."""

_STEPS_A_REPAIR = 10_000
_LARGE_MERGE_VIEWS = 10_000


_VIEWS_OF_RECORDS = {
    "record_id": ["record_id"],
    "local_date": ["timestamp"],
    "local_hour": ["timestamp"],
    "ended_at": ["timestamp"],
    "started_at": ["timestamp", "duration_seconds"],
    "duration_seconds": ["duration_seconds"],
    "channel_id": ["data_id"],
    "channel_name": ["data_id", "data_name"],
    "subscriber_code": ["subscriber_code"],
    "device_id": ["device_id"],
    "country": ["whois_country"],
    "isp": ["whois_isp"],
}
_VIEWS_LINEAGE = dg.TableColumnLineage(
    {
        column: [dg.TableColumnDep(asset_key=dg.AssetKey("telemetry_records"), column_name=source) for source in sources]
        for column, sources in _VIEWS_OF_RECORDS.items()
    }
)


class SyncConfig(dg.Config):
    """Parameters of the sync."""

    max_seconds: float = Field(default=90, description="how long one step works before the next one goes on from the cursor")


def build_assets(daily: dg.DailyPartitionsDefinition, settings: Settings) -> list[dg.AssetsDefinition]:
    """``telemetry_records`` and ``ott_views``."""
    rules = Rules.of(settings)
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(minutes=settings.freshness_minutes))

    @dg.asset(
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="telemetry",
        kinds={"panaccess", "postgres"},
        metadata={"dagster/table_name": "telemetry.records"},
        check_specs=RECORDS_CHECKS,
        freshness_policy=freshness,
        retry_policy=RETRIES,
        op_tags=on_queue(INGEST),
        pool=PANACCESS_POOL,
        output_required=False,
    )
    def telemetry_records(
        context: dg.AssetExecutionContext,
        config: SyncConfig,
        warehouse: dg.ResourceParam[Warehouse],
        panaccess: dg.ResourceParam[PanAccess],
    ) -> Iterator[dg.MaterializeResult[Any] | dg.AssetCheckResult]:
        """Viewing telemetry as PanAccess gives it, one row per record.

        Today's partition is the live edge: it takes every record that is new, whatever its date. A past day or a range is
        read again by date, and what is missing is stored. A tick ends here that finds nothing new and nothing that earlier ones
        left undone.
        """
        first, last = days_of(context)
        includes_today = last == today(daily)
        engine = warehouse.engine
        sync = Sync(
            engine=engine,
            feed=panaccess.feed(),
            operator_zone=warehouse.operator_zone,
            deadline=time.monotonic() + config.max_seconds,
            checkpoint=RunGuard(context).check,
            report=ProgressReporter(context),
        )
        is_tick = includes_today and first == last
        try:
            with failing_clearly():
                position = sync.run(
                    first,
                    last,
                    includes_today=includes_today,
                    position=records.repair_position(engine, context.run.run_id),
                )
        finally:
            _report_other_days(context, daily, {day: {"records_stored": count} for day, count in sync.outcome.days.items()})
        if not is_tick:
            records.keep_repair_position(engine, context.run.run_id, position)
            if position:
                context.log.info(f"Stopped after {config.max_seconds} s; going on with {position.day} in a new step.")
                raise dg.RetryRequested(max_retries=_STEPS_A_REPAIR)
        yield from check_records(engine, settings, recent=is_tick)
        if is_tick and not (sync.outcome.stored or _is_due(context, engine, last, rules)):
            context.log.info("There is nothing new, and everything is of what there is.")
            return
        yield dg.MaterializeResult(
            metadata={
                "records_stored": sync.outcome.stored,
                "records_read": sync.outcome.read,
                "records_rejected": sync.outcome.rejected,
                "gaps": sync.outcome.gaps,
                "days_touched": len(sync.outcome.days),
                "cursor": records.cursor_position(engine),
            }
        )

    @dg.asset(
        deps=[telemetry_records],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="telemetry",
        kinds={"postgres"},
        metadata={"dagster/table_name": "telemetry.views"},
        check_specs=VIEWS_CHECKS,
        freshness_policy=freshness,
        retry_policy=RETRIES,
        op_tags=on_queue(INGEST),
    )
    def ott_views(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        """Finished OTT playbacks with the names of their channels, one row per stop.

        A channel's name is the one that its starts carried when the view was recorded, so a renamed channel keeps its past.
        Every stop that was not merged yet is merged, whatever its day; the days of a range or of the past are merged anew.
        """
        first, last = days_of(context)
        is_tick = first == last == today(daily)
        with failing_clearly():
            merged = views.merge(
                warehouse.engine,
                warehouse.operator_zone.key,
                rebuild=None if is_tick else (first, last),
                checkpoint=RunGuard(context).check,
            )
        if merged.inserted >= _LARGE_MERGE_VIEWS:
            views.analyze(warehouse.engine)
        segments.refresh(warehouse.engine)
        counts = views.count_by_day(warehouse.engine, {*_days(first, last), *merged.days})
        _report_other_days(context, daily, {day: {"dagster/partition_row_count": counts[day]} for day in merged.days})
        for day in _days(first, last):
            context.add_asset_metadata({"dagster/partition_row_count": counts[day]}, partition_key=day.isoformat())
        yield dg.MaterializeResult(
            metadata={
                "views_merged": merged.inserted,
                "views_renamed": merged.renamed,
                "dagster/column_lineage": _VIEWS_LINEAGE,
            },
            check_results=check_views(warehouse.engine, settings, first, last, merged.days),
        )

    return [telemetry_records, ott_views]


def _is_due(context: dg.AssetExecutionContext, engine: sa.Engine, day: date, rules: Rules) -> bool:
    """Whether something that is downstream in this run is not of what is stored: runs may end anywhere."""
    names = {key.to_user_string() for key in context.job_def.asset_layer.executable_asset_keys}
    configured: Any = context.run.run_config.get("ops", {})
    chosen = {
        name: analysis.parse(configured.get(name, {}).get("config", {}))
        for name, analysis in all_analyses().items()
        if name in names
    }
    return (
        records.merge_is_pending(engine)
        or bool(stale_of(engine, day, chosen, rules))
        or not names.isdisjoint(stale_documents(engine, day, day).get(day, {}))
    )


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def _report_other_days(
    context: dg.AssetExecutionContext, daily: dg.DailyPartitionsDefinition, days: Mapping[date, Mapping[str, int]]
) -> None:
    """Say which days other than the run's own changed, with metadata; days that are no partitions go unreported."""
    own = context.partition_key_range
    for day, metadata in sorted(days.items()):
        key = day.isoformat()
        if not own.start <= key <= own.end and daily.has_partition_key(key):
            context.log_event(dg.AssetMaterialization(asset_key=context.asset_key, partition=key, metadata=metadata))
