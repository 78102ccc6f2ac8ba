"""Dagster's instance, which refuses a run that cannot be before anything of it is stored, and launches ranges quickly.

Every run is made here, whoever launches it: the web UI, GraphQL, a schedule, a sensor, a backfill, or a retry.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from typing import Any

import dagster as dg
import yaml
from dagster._core.instance import InstanceRef
from dagster._core.instance.runs.run_domain import RunDomain
from dagster._core.storage.tags import SCHEDULE_NAME_TAG, SENSOR_NAME_TAG
from dagster._serdes import ConfigurableClassData
from dagster_celery.core_execution_loop import DELEGATE_MARKER
from dagster_shared.record import copy

from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.errors import RequestRefused, WarehouseError
from telemetry_pipeline.job_names import TICK
from telemetry_pipeline.orchestration.requests import check_request
from telemetry_pipeline.orchestration.runtime.storage import KeepingEventLogStorage, KeepingPostgresStorage
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import RANGE_END, RANGE_START, with_days
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import problems
from telemetry_pipeline.warehouse.operations.problems import Problem

_EVENTS_A_STATEMENT = 1_000

# By name: what is said of an instance to other processes has no password.
_IN_POSTGRESQL = ConfigurableClassData(
    KeepingPostgresStorage.__module__,
    KeepingPostgresStorage.__name__,
    yaml.safe_dump({"postgres_url": {"env": "DAGSTER_DATABASE_URL"}}),
)

_log = logging.getLogger(__name__)


class PipelineInstance(dg.DagsterInstance):
    """The class that ``dagster.yaml`` names."""

    @classmethod
    def config_schema(cls) -> Mapping[str, Any]:
        """Return nothing: it takes no configuration of its own."""
        return {}

    @classmethod
    def config_defaults(cls, base_dir: str) -> Mapping[str, Any]:
        """Return what ``dagster.yaml`` leaves out, as Dagster has it; but runs are kept in PostgreSQL, except by who tries
        something out, with no home for them and no address: ``dagster dev`` in a checkout.
        """
        defaults = InstanceRef.config_defaults(base_dir)
        if not (os.environ.get("DAGSTER_HOME") or os.environ.get("DAGSTER_DATABASE_URL")):
            return defaults
        return {**defaults, "storage": _IN_POSTGRESQL}

    def _get_event_batch_size(self) -> int:
        """Return how many materializations of a step are stored with one statement; Dagster's own takes one for each, 10 ms a
        day.
        """
        return _EVENTS_A_STATEMENT

    def should_store_event(self, event: dg.EventLogEntry) -> bool:
        """Return whether to keep an event: of ticks, not when a step was submitted, who took it or that it was taken back."""
        told = event.dagster_event
        if told is None or event.job_name != TICK or not told.is_engine_event:
            return super().should_store_event(event)
        return DELEGATE_MARKER not in (told.engine_event_data.marker_start, told.engine_event_data.marker_end)

    def events_together(self) -> AbstractContextManager[None]:
        """Store the events of the block in one transaction."""
        storage = self.event_log_storage
        return storage.together() if isinstance(storage, KeepingEventLogStorage) else nullcontext()

    @cached_property
    def run_domain(self) -> RunDomain:
        """What makes runs."""
        return _CheckedRuns(self)


class _CheckedRuns(RunDomain):
    def create_run(self, **run: Any) -> dg.DagsterRun:
        """Make a run.

        :raises dagster.DagsterInvalidInvocationError: it cannot be; its cause says what is allowed. For Dagster's daemon an
            error of Dagster's own is one that another try does not mend.
        """
        settings = StackSettings.load()
        tags = {key: str(value) for key, value in (run["tags"] or {}).items()}
        try:
            check_request(
                run["job_name"],
                tags,
                run["run_config"] or {},
                allowed=AllowedDays.until_today(settings.first_partition, settings.operator_zone),
                assets=[key.to_user_string() for key in run.get("asset_selection") or ()],
            )
        except RequestRefused as err:
            _note(settings, run["job_name"], tags, err)
            raise dg.DagsterInvalidInvocationError(f"The run is refused: {err}") from err
        _note(settings, run["job_name"], tags, None)
        return super().create_run(**{**run, "tags": with_days(tags)})

    def _log_asset_planned_events(self, dagster_run: dg.DagsterRun, *details: Any) -> None:
        """Say what a run is going to make and check. Of a range, Dagster writes an event for each asset and day and a row for
        each check and day, in the call that launches: minutes for two years. Without their days it is one of each.
        """
        if RANGE_START in dagster_run.tags:
            days = (RANGE_START, RANGE_END)
            tags = {tag: value for tag, value in dagster_run.tags.items() if tag not in days}
            dagster_run = copy(dagster_run, tags=tags, partitions_subset=None)
        super()._log_asset_planned_events(dagster_run, *details)


def _note(settings: StackSettings, job_name: str, tags: Mapping[str, str], refusal: RequestRefused | None) -> None:
    """Put on record that a schedule or a sensor asks for what cannot be, and take it off when it does so no more: nobody sits
    in front of those who could read the refusal. Somebody does in front of the web server, which does not know the warehouse.
    """
    by = tags.get(SCHEDULE_NAME_TAG) or tags.get(SENSOR_NAME_TAG)
    if by is None or settings.database_url is None:
        return
    engine, key = connect(settings.database_url), f"refused:{by}"
    try:
        if refusal is None:
            problems.resolve(engine, key)
        else:
            problems.report(engine, Problem.of(key, f"{job_name}: {refusal.problem}", advice=refusal.advice))
    except WarehouseError as err:
        _log.warning("a refused run of %s cannot be noted: %s", by, err)
