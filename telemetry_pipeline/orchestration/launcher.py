"""Launches runs as Dagster does by default, after a look at whether they can be."""

from __future__ import annotations

import time

import dagster as dg
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData

from telemetry_pipeline import logs
from telemetry_pipeline.orchestration.liveness import GRACE_SECONDS, is_alive
from telemetry_pipeline.orchestration.partitions import daily_partitions, today
from telemetry_pipeline.orchestration.requests import check_request
from telemetry_pipeline.settings import Settings, StackSettings
from telemetry_pipeline.tags import MAX_RUNTIME_SECONDS, SOFT_TIME_LIMIT_SECONDS

_BEGINNING_SECONDS = 10.0


class CheckedRunLauncher(dg.DefaultRunLauncher):
    """Every launch comes through here: from the web UI, GraphQL, a schedule, a sensor or a backfill.

    A run that says nothing of its time limits gets those of the settings, as tags.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._missed_since: dict[str, float] = {}
        # The one thing of ours that the daemon, the web server and the code server all make: their errors are logged, too.
        logs.configure(StackSettings.load())

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's process.

        :raises RequestRefused: the run cannot be; Dagster marks it as failed and tells whoever launched it.
        """
        settings = Settings.load()
        run = context.dagster_run
        check_request(
            run.job_name,
            run.tags,
            run.run_config,
            first_partition=settings.first_partition,
            today=today(daily_partitions(settings)),
        )
        limits = {
            SOFT_TIME_LIMIT_SECONDS: settings.run_soft_time_limit_minutes * 60,
            MAX_RUNTIME_SECONDS: settings.run_time_limit_minutes * 60,
        }
        self._instance.add_run_tags(run.run_id, {tag: str(limit) for tag, limit in limits.items() if tag not in run.tags})
        super().launch_run(context)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster's run monitoring asks :meth:`check_run_worker_health` of every run at work."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Does the run's process live? One that is about to begin, to end, or to take its lock again, gets the benefit of
        the doubt.
        """
        if is_alive(Settings.load().dagster_database_url.get_secret_value(), run.run_id):
            self._missed_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        record = self._instance.get_run_record_by_id(run.run_id)
        if record is None or record.dagster_run.is_finished:
            self._missed_since.pop(run.run_id, None)
            return CheckRunHealthResult(WorkerStatus.SUCCESS)
        now = time.monotonic()
        missed_for = now - self._missed_since.setdefault(run.run_id, now)
        if missed_for < GRACE_SECONDS or time.time() - (record.start_time or time.time()) < _BEGINNING_SECONDS:
            return CheckRunHealthResult(WorkerStatus.RUNNING)
        self._missed_since.pop(run.run_id, None)
        return CheckRunHealthResult(WorkerStatus.FAILED, "its process is lost")
