"""The commands about runs, queues and workers, as a person types them. What they do is in ``runs`` and ``queues``."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.days import parse_day
from telemetry_pipeline.cli.lazy import CommandGroup, LazyCommand

# Those of telemetry_pipeline.steering.tasks and telemetry_pipeline.broker, which would take more along.
STATES = ("waiting", "running", "failed", "ended")
QUEUES = ("ingest", "analysis", "reports")

_RUNS = "telemetry_pipeline.cli.steering.runs"
_QUEUES = "telemetry_pipeline.cli.steering.queues"
_YES = click.Option(["--yes"], is_flag=True, help="Do not ask.")

runs = LazyCommand(
    "runs",
    f"{_RUNS}:runs",
    short_help="List runs: what waits, runs, failed, ended.",
    help="List runs, the newest first.",
    params=[
        click.Option(["--state"], type=click.Choice(STATES), help="Runs in this state."),
        click.Option(["--job"], metavar="JOB", help="Runs of this job; 'assets' are those of assets alone."),
        click.Option(
            ["--since"], metavar="DAY", callback=parse_day, help="Runs launched on that day of the operator or later."
        ),
        click.Option(["--lines"], type=click.IntRange(1, 1000), default=20, show_default=True, help="How many at most."),
        click.Option(
            ["--format", "form"],
            type=click.Choice(["table", "json"]),
            default="table",
            show_default=True,
            help="For people (table), or for programs.",
        ),
    ],
)

cancel = LazyCommand(
    "cancel",
    f"{_RUNS}:cancel",
    short_help="Cancel a run, or all of them.",
    help="Cancel RUN, given by its id or the beginning of it, or all runs that have not ended.",
    params=[
        click.Argument(["run"], required=False),
        click.Option(["--all", "every"], is_flag=True, help="All that have not ended."),
        _YES,
    ],
)

repeat = LazyCommand(
    "repeat",
    f"{_RUNS}:repeat",
    short_help="Run all of a run again.",
    help="Launch what RUN ran again, with its days, parameters and priority. What failed alone: 'dead-letters --rerun'.",
    params=[click.Argument(["run"])],
)

queue = CommandGroup(
    "queue",
    short_help="Empty a queue of the broker.",
    help="Empty a queue of the broker.",
    commands=[
        LazyCommand(
            "empty",
            f"{_QUEUES}:empty",
            short_help="Throw away what waits in a queue.",
            help="""Throw away what waits in the queue NAME: ingest, analysis or reports.

            Runs go on whose steps wait there: within a minute they put them there again, as another try. --cancel ends them.
            """,
            params=[
                click.Argument(["name"], type=click.Choice(QUEUES)),
                click.Option(["--cancel", "cancelling"], is_flag=True, help="Cancel the runs whose steps wait there."),
                _YES,
            ],
        ),
    ],
)

workers = CommandGroup(
    "workers",
    short_help="Have the workers start anew.",
    help="Have the workers start anew.",
    commands=[
        LazyCommand(
            "restart",
            f"{_QUEUES}:restart",
            short_help="Have each end and start anew.",
            help="""Have each worker end when its steps have, which those notice within seconds that are at work now.

            The stack, systemd or Docker starts it again. No step is lost.
            """,
        ),
    ],
)
