"""What every step shares: retries, a look at whether its run was cancelled, and progress that a person can watch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg

from telemetry_pipeline.errors import Cancelled, TelemetryError
from telemetry_pipeline.ingestion.sync import Progress

RETRIES = dg.RetryPolicy(max_retries=2, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS)
"""Three tries in all, for PostgreSQL or a worker that was away; errors of our own say whether they are worth another."""

_SECONDS_BETWEEN_LOOKS = 0.5
_SECONDS_BETWEEN_REPORTS = 1.0


class RunGuard:
    """Tells a long step that its run was ended: Celery cannot stop a task that is running."""

    def __init__(self, context: dg.AssetExecutionContext) -> None:
        self._instance = context.instance
        self._run_id = context.run.run_id
        self._looked_at = float("-inf")

    def check(self) -> None:
        """Look at the run, at most twice a second.

        :raises Cancelled: the run is no longer at work.
        """
        if time.monotonic() - self._looked_at < _SECONDS_BETWEEN_LOOKS:
            return
        self._looked_at = time.monotonic()
        run = self._instance.get_run_by_id(self._run_id)
        if run is None or run.is_finished or run.status is dg.DagsterRunStatus.CANCELING:
            raise Cancelled(f"run {self._run_id} was ended; the step stopped and kept nothing uncommitted")


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


@contextmanager
def failing_clearly() -> Iterator[None]:
    """Turn our own errors into failures whose message is the error's; trying again would not help."""
    try:
        yield
    except TelemetryError as err:
        raise dg.Failure(description=str(err), allow_retries=False) from err
