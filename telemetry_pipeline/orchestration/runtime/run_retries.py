"""Dagster's automatic retry of runs, with patience: by itself it gives up for good when the code server is away as it tries."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from typing import Any

from dagster._core.errors import (
    DagsterCodeLocationLoadError,
    DagsterCodeLocationNotFoundError,
    DagsterUserCodeUnreachableError,
)
from dagster._core.remote_representation.code_location import GrpcServerCodeLocation
from dagster._core.storage.dagster_run import DagsterRun, RunRecord
from dagster._core.workspace.context import IWorkspaceProcessContext
from dagster._daemon.auto_run_reexecution.auto_run_reexecution import (
    consume_new_runs_for_automatic_reexecution,
    filter_runs_to_should_retry,
)
from dagster._daemon.auto_run_reexecution.event_log_consumer import EventLogConsumerDaemon

from telemetry_pipeline.polling import polling

CODE_SERVER_AWAY = (DagsterUserCodeUnreachableError, DagsterCodeLocationLoadError, DagsterCodeLocationNotFoundError)
"""The errors that come up while it is restarted."""

_PATIENCE_SECONDS = 600.0
_LOOK_SECONDS = 1.0


def retry_with_patience() -> None:
    """Have the daemon of this process retry runs by :func:`retry_runs`. Dagster has no setting for it."""
    EventLogConsumerDaemon.handle_updated_runs_fns = property(lambda _: [retry_runs])  # type: ignore[assignment]


def retry_runs(
    workspace: IWorkspaceProcessContext[Any], records: Sequence[RunRecord], logger: logging.Logger
) -> Iterator[None]:
    """Retry those of some runs that ended which are to be, as Dagster does, once the code server answers.

    It yields at each look, so that the daemon gives signs of life; ended in between, it is shown the same runs again.
    """
    for run in filter_runs_to_should_retry([record.dagster_run for record in records], workspace.instance):
        for _ in polling(_PATIENCE_SECONDS, _LOOK_SECONDS):
            if _code_server_answers(workspace, run):
                break
            yield
        record = workspace.instance.get_run_record_by_id(run.run_id)
        if record is not None:
            yield from consume_new_runs_for_automatic_reexecution(workspace, [record], logger)


def _code_server_answers(workspace: IWorkspaceProcessContext[Any], run: DagsterRun) -> bool:
    """Return whether it does that has the code of a run."""
    origin = run.remote_job_origin
    if origin is None:
        return True
    try:
        name = origin.repository_origin.code_location_origin.location_name
        location = workspace.create_request_context().get_code_location(name)
        if isinstance(location, GrpcServerCodeLocation):
            location.client.ping("")
    except CODE_SERVER_AWAY:
        return False
    return True
