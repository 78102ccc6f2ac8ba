"""What every step shares: a look at whether it is to go on, and progress that a person can watch."""

from __future__ import annotations

import time

import dagster as dg

from telemetry_pipeline.errors import Cancelled, TimeLimitReached
from telemetry_pipeline.ingestion.sync import Progress
from telemetry_pipeline.orchestration.runtime.cluster.attempts import AttemptInstance
from telemetry_pipeline.tags import DEFAULT_SOFT_TIME_LIMIT_SECONDS, SOFT_TIME_LIMIT_SECONDS

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_REPORTS = 1.0


def has_ended(run: dg.DagsterRun | None) -> bool:
    """Return whether there is nothing left to do for a run."""
    return run is None or run.is_finished or run.status is dg.DagsterRunStatus.CANCELING


class RunGuard:
    """Tells a long step that its run was ended or has been at work for too long, or that another attempt at the step counts."""

    def __init__(self, context: dg.AssetExecutionContext | dg.OpExecutionContext) -> None:
        self._instance = context.instance
        self._run_id = context.run.run_id
        self._looked_at = float("-inf")

    def check(self) -> None:
        """Look at the run, at most twice a second.

        :raises Cancelled: the run is no longer at work.
        :raises Superseded: another attempt at the step counts.
        :raises TimeLimitReached: it has been for longer than its tag ``telemetry/soft_time_limit`` says, in seconds; of one
            without it, than the settings said at its launch.
        """
        if time.monotonic() - self._looked_at < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked_at = time.monotonic()
        if isinstance(self._instance, AttemptInstance) and self._instance.attempt:
            self._instance.attempt.check()
        record = self._instance.get_run_record_by_id(self._run_id)
        if record is None or has_ended(record.dagster_run):
            raise Cancelled(f"run {self._run_id} was ended; the step stopped and kept nothing uncommitted")
        tags = record.dagster_run.tags
        limit_seconds = tags.get(SOFT_TIME_LIMIT_SECONDS) or tags.get(DEFAULT_SOFT_TIME_LIMIT_SECONDS)
        if limit_seconds and record.start_time and time.time() - record.start_time > float(limit_seconds):
            raise TimeLimitReached(
                f"run {self._run_id} has been at work for {float(limit_seconds) / 60:.0f} minutes, its limit; what is stored "
                "stays",
                "take fewer days a run, or raise RUN_SOFT_TIME_LIMIT_MINUTES and RUN_TIME_LIMIT_MINUTES",
            )


class ProgressReporter:
    """Progress as observations of an asset, at most one a second."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._context = context
        self._started_at = time.monotonic()
        self._reported_at = self._started_at

    def __call__(self, progress: Progress) -> None:
        """Report, unless the last report is less than a second old."""
        now = time.monotonic()
        if now - self._reported_at < _SECONDS_BETWEEN_REPORTS:
            return
        self._reported_at = now
        metadata: dict[str, float | int] = {"percent": round(100 * progress.fraction, 1), "records": progress.read}
        if progress.expected is not None:
            metadata["total"] = progress.expected
        if progress.fraction > 0:
            metadata["eta_seconds"] = round((now - self._started_at) * (1 - progress.fraction) / progress.fraction, 1)
        self._context.log_event(
            dg.AssetObservation(
                asset_key=self._context.asset_key,
                partition=self._context.partition_key_range.end,
                metadata=metadata,
            )
        )
