"""The commands about reports, as a person types them. What they do is in the modules of their names."""

from __future__ import annotations

from pathlib import Path

import click

from telemetry_pipeline.cli.days import parse_day
from telemetry_pipeline.cli.lazy import CommandGroup, LazyCommand

# Those of telemetry_pipeline.reports.publishing, which would take pandas along.
FORMATS = ("pdf", "xlsx", "html")

_SUBSCRIPTIONS = "telemetry_pipeline.cli.reporting.subscriptions"
_CHANNEL = "The channel that a channel_report is about."

report = LazyCommand(
    "report",
    "telemetry_pipeline.cli.reporting.report:report",
    short_help="Make a report now, as PDF, workbook or page.",
    help="""Make the report NAME (daily_report, weekly_report, monthly_report, channel_report) now, of any days, from what is
    stored or computed. It is written into a file here and kept nowhere else.
    """,
    params=[
        click.Argument(["name"]),
        click.Option(
            ["--from", "first"],
            metavar="DAY",
            callback=parse_day,
            help="First day, with --to; default: the last day, week or month that is over.",
        ),
        click.Option(["--to", "last"], metavar="DAY", callback=parse_day, help="Last day, included."),
        click.Option(["--channel"], default="", help=_CHANNEL),
        click.Option(
            ["--format", "form"],
            type=click.Choice(FORMATS),
            help="What it is made as.  [default: by the name of --output, else pdf]",
        ),
        click.Option(
            ["--output"],
            metavar="FILE",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Write there.  [default: a file here that is called after report and days]",
        ),
    ],
)

deliveries = LazyCommand(
    "deliveries",
    "telemetry_pipeline.cli.reporting.deliveries:deliveries",
    short_help="Show what was sent to whom, and how it went.",
    help="""Show the newest messages of the outbox, what was sent to whom and how it went; or send one again.

    What is doubtful may have arrived: all of it went out, and whoever sent it came to an end before the server answered.
    """,
    params=[
        click.Option(["--failed"], is_flag=True, help="Only what failed or is doubtful."),
        click.Option(["--again"], type=click.IntRange(min=1), metavar="ID", help="Send one again that failed or is doubtful."),
        click.Option(["--lines"], type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many at most."),
        click.Option(
            ["--format", "form"],
            type=click.Choice(("table", "json")),
            default="table",
            show_default=True,
            help="For people (table), or for programs.",
        ),
    ],
)

subscriptions = CommandGroup(
    "subscriptions",
    short_help="Who gets which report by mail.",
    help="Who gets which report by mail, whenever it is due.",
    commands=[
        LazyCommand(
            "add",
            f"{_SUBSCRIPTIONS}:add",
            short_help="Have a report sent to somebody.",
            help="Have the report NAME sent to somebody whenever it is due.",
            params=[
                click.Argument(["name"]),
                click.Option(
                    ["--to", "recipients"], multiple=True, required=True, metavar="ADDRESS", help="Who gets it; several times."
                ),
                click.Option(
                    ["--format", "formats"],
                    type=click.Choice(FORMATS),
                    multiple=True,
                    default=("pdf",),
                    show_default=True,
                    help="What is attached; several times.",
                ),
                click.Option(["--channel"], default="", help=_CHANNEL),
            ],
        ),
        LazyCommand(
            "end",
            f"{_SUBSCRIPTIONS}:end",
            short_help="Have it sent no more.",
            help="End the subscription NUMBER. What is on its way already goes on.",
            params=[click.Argument(["number"], type=click.IntRange(min=1))],
        ),
        LazyCommand(
            "list",
            f"{_SUBSCRIPTIONS}:show",
            short_help="List those that go on.",
            help="List those that go on.",
            params=[
                click.Option(
                    ["--format", "form"],
                    type=click.Choice(("table", "json")),
                    default="table",
                    show_default=True,
                    help="For people (table), or for programs.",
                )
            ],
        ),
    ],
)
