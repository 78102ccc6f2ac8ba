"""The command that runs a job or an asset, as a person types it. What it does is in ``run``."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.days import parse_day
from telemetry_pipeline.cli.lazy import LazyCommand

run = LazyCommand(
    "run",
    "telemetry_pipeline.cli.launching.run:run",
    short_help="Run a job or an asset, and watch it.",
    help="""Run JOB: telemetry_tick (today), telemetry_range, or one asset by its name.

    The run goes to the stack that is running, else to the web server at WEBSERVER_URL or WEB_URL, else a stack is brought up
    for it. Ctrl-C cancels the run; a second one leaves at once. The exit status is 0 after a success, 1 after a failure,
    130 when cancelled.
    """,
    params=[
        click.Argument(["job"]),
        click.Option(
            ["--partition"], metavar="DAY", callback=parse_day, help="The day to run for; default: today where the operator is."
        ),
        click.Option(["--from", "first"], metavar="DAY", callback=parse_day, help="First day of a range, with --to."),
        click.Option(["--to", "last"], metavar="DAY", callback=parse_day, help="Last day of a range, included."),
        click.Option(
            ["--set", "assignments"],
            multiple=True,
            metavar="ASSET.PARAMETER=VALUE",
            help="Set a parameter of an analysis; can be given several times.",
        ),
        click.Option(
            ["--priority"],
            type=click.Choice(["high", "normal", "low"]),
            default="normal",
            show_default=True,
            help="Whether it goes before other runs, as ticks do, or after them.",
        ),
    ],
)
