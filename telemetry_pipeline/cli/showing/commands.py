"""The command that shows what is stored, as a person types it. What it does is in ``show``."""

from __future__ import annotations

from pathlib import Path

import click

from telemetry_pipeline.cli.days import parse_day
from telemetry_pipeline.cli.lazy import LazyCommand
from telemetry_pipeline.cli.showing.forms import FORMS

show = LazyCommand(
    "show",
    "telemetry_pipeline.cli.showing.show:show",
    short_help="Show stored results, a document, or what there is.",
    help="""Show the stored result of each ANALYSIS, or a document; without a name, which ones there are.

    A document (full_analysis, period_analysis, subscribers_analysis) is JSON; its table says what is in it.
    """,
    params=[
        click.Argument(["analyses"], nargs=-1, metavar="[ANALYSIS]..."),
        click.Option(
            ["--partition"], metavar="DAY", callback=parse_day, help="The day whose results are shown; default: the newest one."
        ),
        click.Option(["--from", "first"], metavar="DAY", callback=parse_day, help="First day of a period, with --to."),
        click.Option(["--to", "last"], metavar="DAY", callback=parse_day, help="Last day of a period, included."),
        click.Option(
            ["--set", "assignments"],
            multiple=True,
            metavar="NAME.PARAMETER=VALUE",
            help="Show the result of other parameters than the defaults; can be given several times.",
        ),
        click.Option(
            ["--format", "form"],
            type=click.Choice(FORMS),
            help="For people (table), for programs, or for Excel.  [default: by the name of --output, else table]",
        ),
        click.Option(["--output"], metavar="FILE", type=click.Path(dir_okay=False, path_type=Path), help="Write there."),
        click.Option(["--excel"], is_flag=True, help="CSV as a Spanish Excel opens it."),
    ],
)
