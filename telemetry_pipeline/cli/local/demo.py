"""``telemetry-pipeline demo``: the whole way once, over simulated records, with what came of it on the screen."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.cli.launching.run import allowed_days, launch_and_follow
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.showing.show import read_result, show_table
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.days import Period, today
from telemetry_pipeline.job_names import RANGE
from telemetry_pipeline.launches import JOBS
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.partitions import first_partition
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.stack import Stack
from telemetry_pipeline.steering.launch import plan
from telemetry_pipeline.tags import Priority
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.status import WarehouseStatus, read_status

_DAYS = 90
_TOP_CHANNELS_SHOWN = 10


def demo(records_count: int, port: int | None, once: bool) -> int:
    """Start the stack, run the pipeline once and show what came of it; the exit status."""
    # A demonstration never calls a real PanAccess, whatever the environment says.
    settings = StackSettings.load().model_copy(update={"panaccess_url": None})
    last = today(settings.operator_zone)
    simulator = SimulatorOptions(records_count=records_count, days=_DAYS, end=datetime.now(UTC).replace(microsecond=0))
    first = max(first_partition(settings, simulator), last - timedelta(days=_DAYS))
    launch = plan(JOBS[RANGE], Period(first, last), (), allowed_days(settings), Priority.NORMAL)
    say(f"1/3  starting the stack, with {records_count:,} simulated records of the last {_DAYS} days")
    with Stack(settings, simulator=simulator, web_port=port, say=say) as stack:
        engine = connect(stack.state.database_url)
        before = read_status(engine)
        say(f"2/3  synchronising, merging and analysing {launch.period}")
        began = time.monotonic()
        progress, status = launch_and_follow(stack.state.client(), launch, stack.tend)
        seconds = time.monotonic() - began
        if status == 0:
            say("3/3  what came of it")
            show_outcome(before, read_status(engine), progress, seconds)
            top = read_result(stack.state.database_url, "top_channels", None)
            show_table(top, settings.operator_zone, limit=_TOP_CHANNELS_SHOWN)
        if once or status != 0:
            return status
        say(f"open {stack.state.owner_link}  (Ctrl-C stops everything)")
        stack.supervise()
    return 0


def show_outcome(before: WarehouseStatus, after: WarehouseStatus, progress: Progress, seconds: float) -> None:
    """Print what a run added to the warehouse, and how fast."""
    records = after.records.rows - before.records.rows
    rejected = sum(each.records for each in after.rejected) - sum(each.records for each in before.rejected)
    syncing = progress.seconds.get("telemetry_records", 0.0)
    rate = f", {records / syncing:,.0f} records/s" if syncing else ""
    say(f"records stored    {records:,}{rate}")
    say(f"records rejected  {rejected:,}")
    say(f"views merged      {after.views.rows - before.views.rows:,}")
    say(f"assets computed   {len(progress.stored)}")
    say(f"took              {duration(seconds)} from the launch to the end")
