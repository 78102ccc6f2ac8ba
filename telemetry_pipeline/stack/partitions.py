"""Since when a stack has partitions: FIRST_PARTITION, or the first day that its simulator makes up."""

from __future__ import annotations

from datetime import UTC, date, timedelta

from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.services.simulator import SimulatorOptions
from telemetry_pipeline.stack.state import running
from telemetry_pipeline.stack.upstream import with_end


def first_partition(settings: StackSettings, simulator: SimulatorOptions | None) -> date:
    """Return the first day with a partition of a stack that is started with these; None is no simulator.

    Nobody who sets FIRST_PARTITION is overruled, and of an export nobody knows its first day.
    """
    if "first_partition" in settings.model_fields_set or simulator is None or simulator.records is not None:
        return settings.first_partition
    simulator = with_end(settings.home, simulator)
    if simulator.end is None:
        return settings.first_partition
    return (simulator.end.astimezone(UTC) - timedelta(days=simulator.days)).astimezone(settings.operator_zone).date()


def first_partition_here(settings: StackSettings) -> date:
    """Return the first day of the stack that runs in this home, else of the pipeline elsewhere, else of a stack to come.

    :raises StackError: the stack that runs belongs to another user.
    """
    state = running(settings.telemetry_home)
    if state is not None:
        return state.first_partition or settings.first_partition
    elsewhere = settings.webserver_url or settings.web_url or settings.panaccess_url
    return first_partition(settings, None if elsewhere else SimulatorOptions())
