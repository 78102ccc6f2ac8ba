"""Launches runs as Dagster does by default, with patience while the code server is restarted."""

from __future__ import annotations

import time

import dagster as dg
from dagster._core.errors import DagsterLaunchFailedError
from dagster._core.launcher import CheckRunHealthResult, LaunchRunContext, WorkerStatus
from dagster._serdes import ConfigurableClassData

from telemetry_pipeline.logs import setup as logs
from telemetry_pipeline.orchestration.runtime.liveness import GRACE_SECONDS, is_alive
from telemetry_pipeline.orchestration.runtime.run_retries import CODE_SERVER_AWAY, retry_with_patience
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.loading import DagsterSettings, StackSettings
from telemetry_pipeline.tags import DEFAULT_SOFT_TIME_LIMIT_SECONDS, MAX_RUNTIME_SECONDS, SOFT_TIME_LIMIT_SECONDS

_PATIENCE_SECONDS = 45.0
"""Less than the ``start_timeout_seconds`` of dagster.yaml, or the run would be failed meanwhile."""

_LOOK_SECONDS = 1.0
_BEGINNING_SECONDS = 10.0


retry_with_patience()


class PatientRunLauncher(dg.DefaultRunLauncher):
    """Every launch comes through here: from the web UI, GraphQL, a schedule, a sensor or a backfill.

    A run that says nothing of its time limits gets those of the settings, as tags.
    """

    def __init__(self, inst_data: ConfigurableClassData | None = None) -> None:
        super().__init__(inst_data)
        self._missed_since: dict[str, float] = {}
        # The one thing of ours that the daemon, the web server and the code server all make: their errors are logged, too.
        logs.configure(StackSettings.load())

    def launch_run(self, context: LaunchRunContext) -> None:
        """Start the run's process; while the code server is away, wait for it.

        :raises DagsterLaunchFailedError: it stayed away. Dagster marks the run as failed, and tries it again later.
        """
        settings = StackSettings.load()
        run = context.dagster_run
        limits = {}
        if SOFT_TIME_LIMIT_SECONDS not in run.tags:
            limits[DEFAULT_SOFT_TIME_LIMIT_SECONDS] = str(settings.run_soft_time_limit_minutes * 60)
        if MAX_RUNTIME_SECONDS not in run.tags:
            limits[MAX_RUNTIME_SECONDS] = str(settings.run_time_limit_minutes * 60)
        self._instance.add_run_tags(run.run_id, limits)
        away: Exception | None = None
        for _ in polling(_PATIENCE_SECONDS, _LOOK_SECONDS):
            if away is not None and context.workspace is not None:
                # What a request knows of the code server is of when it came in.
                workspace = context.workspace.process_context.create_request_context()
                context = LaunchRunContext(dagster_run=run, workspace=workspace)
            try:
                return super().launch_run(context)
            except CODE_SERVER_AWAY as err:
                away = err
                if self._is_past_launching(run.run_id):
                    return None
        message = f"The code server has not answered for {_PATIENCE_SECONDS:.0f} s; is it running?"
        raise DagsterLaunchFailedError(message) from away

    def _is_past_launching(self, run_id: str) -> bool:
        """Return whether the run has begun, its code server having gone away behind that, or was ended meanwhile."""
        run = self._instance.get_run_by_id(run_id)
        return run is None or run.status not in (dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING)

    @property
    def supports_check_run_worker_health(self) -> bool:
        """Dagster's run monitoring asks :meth:`check_run_worker_health` of every run at work."""
        return True

    def check_run_worker_health(self, run: dg.DagsterRun) -> CheckRunHealthResult:
        """Say whether the run's process lives. One that is about to begin, to end, or to take its lock again, gets the benefit
        of the doubt.
        """
        if is_alive(DagsterSettings.load().dagster_database_url.get_secret_value(), run.run_id):
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
