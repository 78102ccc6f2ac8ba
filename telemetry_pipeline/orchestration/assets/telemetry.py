"""The assets that every analysis is computed from: raw records, and the views merged from them."""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
import time
from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg

from telemetry_pipeline.analyses.framework.declaration import Parameters
from telemetry_pipeline.analyses.registry import all_analyses, steps
from telemetry_pipeline.client.launching import run_config
from telemetry_pipeline.days import today
from telemetry_pipeline.ingestion.step import Days
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.launches import SyncParameters, all_assets
from telemetry_pipeline.orchestration.assets import about, columns
from telemetry_pipeline.orchestration.checks import RECORDS_CHECKS, VIEWS_CHECKS, check_records, check_views
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import PanAccess, Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import INGEST, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import ProgressReporter, RunGuard
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.core.rebuilding import SECONDS_A_STEP
from telemetry_pipeline.warehouse.core.views import NO_VIEWS, DayTotals, merge

PANACCESS_POOL = "panaccess"
"""Bounds how many steps read from PanAccess at the same time; its limit is in dagster.yaml and in the web UI."""

_STEPS_A_REPAIR = 10_000


class SyncConfig(dg.Config, SyncParameters):
    """The parameters of the sync as Dagster's configuration."""


def build_assets(daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> list[dg.AssetsDefinition]:
    """Return ``telemetry_records`` and ``ott_views``."""
    listed = all_assets()
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(minutes=settings.freshness_minutes))

    @dg.asset(
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="telemetry",
        kinds={"panaccess", "postgres"},
        tags=listed["telemetry_records"].tags | about.tags(of="day", personal=True),
        owners=settings.asset_owners.split(),
        metadata={
            "dagster/table_name": "telemetry.records",
            "dagster/column_schema": columns.RECORDS,
            "dagster/code_references": about.code(settings, Sync.run),
        },
        check_specs=RECORDS_CHECKS,
        freshness_policy=freshness,
        op_tags=on_queue(INGEST),
        pool=PANACCESS_POOL,
        output_required=False,
    )
    @tried_again(settings)
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
        period, day = days_of(context), today(settings.operator_zone)
        includes_today = period.last == day
        is_tick = includes_today and period.length == 1
        seconds = config.max_seconds if is_tick else min(config.max_seconds, SECONDS_A_STEP)
        begun = time.monotonic()
        synced = warehouse.sync(
            panaccess.feed(),
            context.run.run_id,
            period,
            includes_today=includes_today,
            seconds=seconds,
            checkpoint=RunGuard(context).check,
            report=ProgressReporter(context),
            stored=lambda new, rows: _report_other_days(context, daily, {day: _records(day, new, rows) for day in new}),
        )
        if synced.rest:
            context.log.info(f"Stopped after {seconds:g} s; going on with {synced.rest} in a new step.")
            raise dg.RetryRequested(max_retries=_STEPS_A_REPAIR)
        yield from check_records(synced.seen, settings)
        outcome = synced.outcome
        if is_tick and not (outcome.stored or warehouse.is_due(day, _chosen(context), _names(context))):
            context.log.info("There is nothing new, and everything is of what there is.")
            return
        rows = {**dict.fromkeys(period.days(), 0), **synced.records}
        for each in period.days():
            context.add_asset_metadata(_records(each, outcome.days, rows), partition_key=each.isoformat())
        of_run = {
            "records_stored_in_all": outcome.stored,
            "records_read": outcome.read,
            "records_rejected": outcome.rejected,
            "gaps": outcome.gaps,
            "days_touched": len(outcome.days),
            "cursor": synced.cursor,
            "sync_seconds": round(time.monotonic() - begun, 2),
        }
        context.add_asset_metadata(of_run, partition_key=period.last.isoformat())
        yield dg.MaterializeResult()

    @dg.asset(
        deps=[telemetry_records],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="telemetry",
        kinds={"postgres"},
        tags=listed["ott_views"].tags | about.tags(of="day", personal=True),
        owners=settings.asset_owners.split(),
        metadata={
            "dagster/table_name": "telemetry.views",
            "dagster/column_schema": columns.VIEWS,
            "dagster/column_lineage": columns.VIEWS_LINEAGE,
            "dagster/code_references": about.code(settings, merge),
        },
        check_specs=VIEWS_CHECKS,
        freshness_policy=freshness,
        op_tags=on_queue(INGEST),
    )
    @tried_again(settings)
    def ott_views(
        context: dg.AssetExecutionContext, warehouse: dg.ResourceParam[Warehouse]
    ) -> Iterator[dg.MaterializeResult[Any]]:
        """Finished OTT playbacks with the names of their channels, one row per stop.

        A channel's name is the one that its starts carried when the view was recorded, so a renamed channel keeps its past.
        Every stop that was not merged yet is merged, whatever its day; the days of a range or of the past are merged anew.
        """
        period = days_of(context)
        is_tick = period.first == period.last == today(settings.operator_zone)
        begun = time.monotonic()
        step = warehouse.merge(context.run.run_id, period, anew=not is_tick, checkpoint=RunGuard(context).check)
        _report_other_days(context, daily, {day: _totals(step.days.get(day, NO_VIEWS)) for day in step.merged.days})
        if step.rest:
            context.log.info(f"Stopped after {SECONDS_A_STEP:g} s; going on with {step.rest} in a new step.")
            raise dg.RetryRequested(max_retries=_STEPS_A_REPAIR)
        for day in period.days():
            context.add_asset_metadata(_totals(step.days.get(day, NO_VIEWS)), partition_key=day.isoformat())
        of_run = {
            "views_merged": step.merged.inserted,
            "views_renamed": step.merged.renamed,
            "merge_seconds": round(time.monotonic() - begun, 2),
        }
        context.add_asset_metadata(of_run, partition_key=period.last.isoformat())
        yield dg.MaterializeResult(check_results=check_views(step.seen, settings))

    return [telemetry_records, ott_views]


def _names(context: dg.AssetExecutionContext) -> set[str]:
    """Return the assets that are downstream in this run."""
    return {key.to_user_string() for key in context.job_def.asset_layer.executable_asset_keys}


def _chosen(context: dg.AssetExecutionContext) -> dict[str, Parameters]:
    """Return the analyses among them, with their parameters."""
    given, names = run_config.read(context.run.run_config, steps()), _names(context)
    return {name: analysis.parse(given.get(name, {})) for name, analysis in all_analyses().items() if name in names}


def _records(day: date, new: Days, rows: Days) -> dict[str, float]:
    return {"records_stored": new.get(day, 0), **({"dagster/partition_row_count": rows[day]} if day in rows else {})}


def _totals(day: DayTotals) -> dict[str, float]:
    return {"dagster/partition_row_count": day.rows, "views": day.views, "watch_hours": round(day.watch_hours, 2)}


def _report_other_days(
    context: dg.AssetExecutionContext, daily: dg.DailyPartitionsDefinition, days: Mapping[date, Mapping[str, float]]
) -> None:
    """Say which days other than the run's own changed, with metadata; days that are no partitions go unreported."""
    own = context.partition_key_range
    for day, metadata in sorted(days.items()):
        key = day.isoformat()
        if not own.start <= key <= own.end and daily.has_partition_key(key):
            context.log_event(dg.AssetMaterialization(asset_key=context.asset_key, partition=key, metadata=metadata))
