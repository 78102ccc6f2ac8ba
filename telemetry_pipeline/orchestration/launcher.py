"""Launches runs as Dagster does by default, after a look at whether they can be."""

from __future__ import annotations

import dagster as dg
from dagster._core.launcher import LaunchRunContext

from telemetry_pipeline.orchestration.partitions import daily_partitions, today
from telemetry_pipeline.orchestration.requests import check_request
from telemetry_pipeline.settings import Settings


class CheckedRunLauncher(dg.DefaultRunLauncher):
    """Every launch comes through here: from the web UI, GraphQL, a schedule, a sensor or a backfill."""

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
        super().launch_run(context)
