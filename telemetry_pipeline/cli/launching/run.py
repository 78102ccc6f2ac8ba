"""``telemetry-pipeline run``: submit a run, watch it, say how it ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.cli.days import given_period, usage_errors
from telemetry_pipeline.cli.exits import EXIT_CANCELLED, EXIT_FAILED
from telemetry_pipeline.cli.launching.follow import Interrupts, follow
from telemetry_pipeline.cli.launching.own_stack import client_for_run
from telemetry_pipeline.cli.launching.progress import open_display
from telemetry_pipeline.cli.output import print_table
from telemetry_pipeline.cli.saying import say, say_advice
from telemetry_pipeline.client.answers import Run
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.client.progress import NO_REASON, Progress
from telemetry_pipeline.days import AllowedDays
from telemetry_pipeline.launches import check_days, find
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.partitions import first_partition_here
from telemetry_pipeline.steering.launch import Launch, plan
from telemetry_pipeline.tags import Priority

_CODE_LOADS_SECONDS = 60


def run(
    job: str, partition: date | None, first: date | None, last: date | None, assignments: tuple[str, ...], priority: str
) -> int:
    """Run a job or an asset, and follow it; the exit status."""
    target, period = find(job), given_period(partition, first, last)
    with usage_errors():
        check_days(target, period)
    settings = StackSettings.load()
    launch = plan(target, period, assignments, allowed_days(settings), Priority(priority))
    with client_for_run(settings) as (client, tend):
        return launch_and_follow(client, launch, tend)[1]


def allowed_days(settings: StackSettings) -> AllowedDays:
    """Return the days that may be asked for here."""
    return AllowedDays.until_today(first_partition_here(settings), settings.operator_zone)


def launch_and_follow(client: TelemetryClient, launch: Launch, tend: Callable[[], None]) -> tuple[Progress, int]:
    """Submit, show the progress and a summary.

    :param tend: called at each look at the run, to keep going what it runs on.
    :return: what the run did, and the exit status that says how it ended.
    """
    client.wait_for_code(_CODE_LOADS_SECONDS)
    with Interrupts() as interrupts:
        first, last = (launch.period.first, launch.period.last) if launch.period else (None, None)
        run_id = client.launch(launch.job, first=first, last=last, parameters=launch.config, tags=launch.priority.tags)
        say(f"{launch.title}: run {run_id}")
        with open_display(launch.job) as display:
            progress = follow(client, run_id, display, interrupts, tend)
        run = client.run(run_id)
    return progress, summarize(launch, run, progress)


def summarize(launch: Launch, run: Run, progress: Progress) -> int:
    """Print how a run ended and what it stored; the exit status that goes with it."""
    if progress.stored:
        rows = [
            (asset, stored.rows, len(stored.partitions) or None, _took(progress, asset), describe_facts(stored.facts))
            for asset, stored in progress.stored.items()
        ]
        print_table(["asset", "rows", "days", "took", "more"], rows)
    skipped = ", ".join(step for step, state in progress.states.items() if state == "skipped")
    if skipped:
        say(f"there was nothing new for {skipped}")
    took = f" in {duration((run.ended_at - run.started_at).total_seconds())}" if run.started_at and run.ended_at else ""
    if progress.status == "SUCCESS":
        say(f"{launch.title}: success{took}")
        return 0
    if progress.status == "CANCELED":
        say(f"{launch.title}: cancelled{took}")
        return EXIT_CANCELLED
    for failure in progress.failures or [NO_REASON]:
        say(f"error: {failure.step or launch.job} failed: {failure.message}", err=True)
        say_advice(failure.advice, err=True)
    say(f"{launch.title}: failed{took}; more with 'telemetry-pipeline status {run.run_id[:8]}'")
    return EXIT_FAILED


def _took(progress: Progress, asset: str) -> str | None:
    return duration(progress.seconds[asset]) if asset in progress.seconds else None


def describe_facts(facts: Mapping[str, int]) -> str:
    """Return what an asset reports besides its rows: ``records read 1,000, gaps 0``."""
    return ", ".join(f"{name.replace('_', ' ')} {count:,}" for name, count in facts.items())
