"""The assets that every analysis is computed from: raw records, and the views merged from them."""

# Annotations are values here: Dagster reads the type of each asset's configuration from them.
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import dagster as dg
import sqlalchemy as sa

from telemetry_pipeline.analyses.framework.rules import Rules
from telemetry_pipeline.analyses.registry import all_analyses
from telemetry_pipeline.days import today
from telemetry_pipeline.ingestion.sync import Sync
from telemetry_pipeline.launches import SyncParameters, all_assets
from telemetry_pipeline.orchestration.checks import RECORDS_CHECKS, VIEWS_CHECKS, check_records, check_views
from telemetry_pipeline.orchestration.partitions import days_of
from telemetry_pipeline.orchestration.resources import PanAccess, Warehouse
from telemetry_pipeline.orchestration.runtime.cluster.attempts import tried_again
from telemetry_pipeline.orchestration.runtime.cluster.executor import INGEST, on_queue
from telemetry_pipeline.orchestration.runtime.cluster.steps import ProgressReporter, RunGuard
from telemetry_pipeline.results.documents import stale_documents
from telemetry_pipeline.results.staleness import stale_of
from telemetry_pipeline.results.windows import rules_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.core import segments, views
from telemetry_pipeline.warehouse.core.views import Merged
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw import records, repairs
from telemetry_pipeline.warehouse.raw.repairs import RepairPosition

PANACCESS_POOL = "panaccess"
"""Bounds how many steps read from PanAccess at the same time; its limit is in dagster.yaml and in the web UI."""

_STEPS_A_REPAIR = 10_000
_SECONDS_A_STEP = 30.0
"""How long a step of a range works before it lets ticks have the worker and the pool, and goes on in a new one."""

_DAYS_A_MERGE = 7
"""Ticks wait for no more while days are merged anew: a tenth of a second at 4,000 records a day, ten at 200,000."""

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


class SyncConfig(dg.Config, SyncParameters):
    """The parameters of the sync as Dagster's configuration."""


def build_assets(daily: dg.DailyPartitionsDefinition, settings: StackSettings) -> list[dg.AssetsDefinition]:
    """``telemetry_records`` and ``ott_views``."""
    rules, listed = rules_of(settings), all_assets()
    freshness = dg.FreshnessPolicy.time_window(fail_window=timedelta(minutes=settings.freshness_minutes))

    @dg.asset(
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="telemetry",
        kinds={"panaccess", "postgres"},
        tags=listed["telemetry_records"].tags,
        metadata={"dagster/table_name": "telemetry.records"},
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
        first, last = days_of(context)
        includes_today = last == today(settings.operator_zone)
        is_tick = includes_today and first == last
        seconds = config.max_seconds if is_tick else min(config.max_seconds, _SECONDS_A_STEP)
        engine = warehouse.engine
        sync = Sync(
            engine=engine,
            feed=panaccess.feed(),
            operator_zone=warehouse.operator_zone,
            made_with=warehouse.made_with,
            max_id_jump=settings.max_id_jump,
            deadline=time.monotonic() + seconds,
            checkpoint=RunGuard(context).check,
            report=ProgressReporter(context),
        )
        try:
            position = sync.run(
                first,
                last,
                includes_today=includes_today,
                position=repairs.repair_position(engine, context.run.run_id),
            )
        finally:
            _report_other_days(context, daily, {day: {"records_stored": count} for day, count in sync.outcome.days.items()})
        if not is_tick:
            repairs.keep_repair_position(engine, context.run.run_id, position)
            if position:
                context.log.info(f"Stopped after {seconds:g} s; going on with {position.day} in a new step.")
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
                "cursor": cursors.read(engine).record_id,
            }
        )

    @dg.asset(
        deps=[telemetry_records],
        partitions_def=daily,
        backfill_policy=dg.BackfillPolicy.single_run(),
        group_name="telemetry",
        kinds={"postgres"},
        tags=listed["ott_views"].tags,
        metadata={"dagster/table_name": "telemetry.views"},
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
        first, last = days_of(context)
        is_tick = first == last == today(settings.operator_zone)
        merged, rest = _merge(context, warehouse, None if is_tick else (first, last))
        if merged.inserted >= _LARGE_MERGE_VIEWS:
            views.analyze(warehouse.engine)
        segments.refresh(warehouse.engine)
        counts = views.count_by_day(warehouse.engine, {*_days(first, last), *merged.days})
        _report_other_days(context, daily, {day: {"dagster/partition_row_count": counts[day]} for day in merged.days})
        if rest:
            context.log.info(f"Stopped after {_SECONDS_A_STEP:g} s; going on with {rest} in a new step.")
            raise dg.RetryRequested(max_retries=_STEPS_A_REPAIR)
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


def _merge(
    context: dg.AssetExecutionContext, warehouse: Warehouse, rebuild: tuple[date, date] | None
) -> tuple[Merged, date | None]:
    """Merge what is pending, and the days *rebuild* anew, some at a time, so that others have their turns in between.

    :returns: also the day with which the next step of the run is to go on; None: all is done.
    """
    engine, zone, checkpoint = warehouse.engine, warehouse.operator_zone.key, RunGuard(context).check
    if rebuild is None:
        return views.merge(engine, zone, checkpoint=checkpoint), None
    deadline = time.monotonic() + _SECONDS_A_STEP
    key = f"{context.run.run_id}:views"
    day, last = rebuild
    merged = Merged()
    if position := repairs.repair_position(engine, key):
        day = position.day
    else:
        # All of a day without views is pending: to merge it anew as well would be the same work twice.
        known = views.count_by_day(engine, _days(day, last))
        merged = views.merge(engine, zone, checkpoint=checkpoint)
        if not known:
            return merged, None
        day, last = min(known), max(known)
    while True:
        end = min(last, day + timedelta(days=_DAYS_A_MERGE - 1))
        merged += views.merge(engine, zone, rebuild=(day, end), checkpoint=checkpoint)
        day = end + timedelta(days=1)
        if day > last or time.monotonic() >= deadline:
            break
    rest = day if day <= last else None
    repairs.keep_repair_position(engine, key, RepairPosition(rest, 0, 0, datetime.now(UTC)) if rest else None)
    return merged, rest


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
