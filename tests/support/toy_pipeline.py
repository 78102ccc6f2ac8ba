"""Definitions with the names of the real pipeline's, that do nothing: the command line's other side in its tests.

The partition says how a run behaves: 2026-02-02 fails, 2026-03-03 goes on until it is cancelled, any other succeeds.
"""

import time
from collections.abc import Iterator

import dagster as dg

from telemetry_pipeline.errors import PanAccessUnavailable

DAYS = dg.DailyPartitionsDefinition("2025-01-01", timezone="America/Mexico_City", end_offset=1)


@dg.asset(partitions_def=DAYS, backfill_policy=dg.BackfillPolicy.single_run())
def telemetry_records(context: dg.AssetExecutionContext) -> dg.MaterializeResult[None]:
    """The sync: half done at once, then it ends, fails or lasts."""
    first = context.partition_keys[0]
    observed = {"percent": 50.0, "records": 5_000_000_000, "total": 10_000_000_000, "eta_seconds": 3.0}
    context.log_event(dg.AssetObservation(asset_key="telemetry_records", partition=first, metadata=observed))
    if first == "2026-02-02":
        try:
            raise ConnectionResetError("socket closed")
        except ConnectionResetError as err:
            raise PanAccessUnavailable("PanAccess did not answer in 3 tries") from err
    while first == "2026-03-03":
        time.sleep(0.1)
    return dg.MaterializeResult(metadata={"dagster/row_count": 5_000_000_000})


@dg.asset(
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
    deps=[telemetry_records],
    check_specs=[dg.AssetCheckSpec("few_views_are_unnamed", asset="ott_views", description="It never passes.")],
)
def ott_views(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult[None]]:
    """The merge."""
    unnamed = dg.AssetCheckResult(passed=False, severity=dg.AssetCheckSeverity.WARN)
    yield dg.MaterializeResult(metadata={"dagster/row_count": 200}, check_results=[unnamed])


class TopChannels(dg.Config):
    """Parameters."""

    limit: int = 20


class General(dg.Config):
    """Parameters of a theme, by analysis."""

    top_channels: TopChannels = TopChannels()


@dg.multi_asset(
    name="general",
    specs=[dg.AssetSpec("top_channels", deps=[ott_views])],
    can_subset=True,
    partitions_def=DAYS,
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def general(context: dg.AssetExecutionContext, config: General) -> Iterator[dg.MaterializeResult[None]]:
    """A theme of one analysis, with as many rows as its parameter says."""
    yield dg.MaterializeResult(asset_key="top_channels", metadata={"dagster/row_count": config.top_channels.limit})


assets = [telemetry_records, ott_views, general]
defs = dg.Definitions(
    assets=assets,
    jobs=[dg.define_asset_job(name, selection=assets) for name in ("telemetry_tick", "telemetry_range")],
    executor=dg.in_process_executor,
)
