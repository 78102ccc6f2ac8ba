"""The commands that look after the system, as a person types them. What they do is in the modules of their names."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.lazy import LazyCommand

LEVELS = ("INFO", "WARNING", "ERROR", "CRITICAL")
"""Of log lines, the least serious first."""

_FORMAT = click.Option(
    ["--format", "form"],
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people (table), or for programs.",
)

status = LazyCommand(
    "status",
    "telemetry_pipeline.cli.operating.status:status",
    short_help="Show how the pipeline is doing, or how a run went.",
    help="""Show what is wrong, how far behind it is, the last runs, queues, workers, and what is stored; or one RUN.

    RUN is the id of a run, or the beginning of it. Without it, the exit status is 1 if a server does not answer, or if the ids
    or records of PanAccess do not go on from those that are stored.
    """,
    params=[
        click.Argument(["run"], required=False),
        _FORMAT,
    ],
)

doctor = LazyCommand(
    "doctor",
    "telemetry_pipeline.cli.operating.doctor:doctor",
    short_help="Check every setting and server, and say what to do.",
    help="Check every setting and server, and say what to do; the exit status is 1 if anything is wrong.",
)

logs = LazyCommand(
    "logs",
    "telemetry_pipeline.cli.operating.logs:logs",
    short_help="Show what was logged, filtered by run, step, level.",
    help="""Show a log FILE: pipeline, errors, upstream, or that of a process of the local stack, such as worker.

    Those of processes are plain text, which cannot be filtered.
    """,
    params=[
        click.Argument(["file"], default="pipeline"),
        click.Option(["--run"], metavar="ID", help="Lines of this run: its id, or the beginning of it."),
        click.Option(["--step"], metavar="KEY", help="Lines of this step."),
        click.Option(["--level"], type=click.Choice(LEVELS, case_sensitive=False), help="Lines of this level and above."),
        click.Option(["--since"], type=click.FloatRange(min=0), metavar="MINUTES", help="Lines of the last minutes."),
        click.Option(
            ["--lines"], type=click.IntRange(0), default=100, show_default=True, help="How many at most: the last ones."
        ),
        click.Option(["--follow"], is_flag=True, help="Go on with new lines until Ctrl-C."),
        click.Option(["--json", "as_json"], is_flag=True, help="The lines as they are in the file."),
    ],
)

watch = LazyCommand(
    "watch",
    "telemetry_pipeline.cli.operating.watch:watch",
    short_help="Notice what has died, and send alerts.",
    help="Look at every component again and again, tell ALERT_URLS about every problem and mail what waits, until SIGTERM or "
    "Ctrl-C.",
    params=[
        click.Option(["--once"], is_flag=True, help="Look once and print what is wrong; send nothing."),
    ],
)

dead_letters = LazyCommand(
    "dead-letters",
    "telemetry_pipeline.cli.operating.dead_letters:dead_letters",
    short_help="List steps that failed for good; run them again.",
    help="List the steps that failed after all retries and wait for somebody; or run them again, or give them up.",
    params=[
        click.Option(["--rerun"], multiple=True, metavar="ID|all", help="Run it again from its failure; can be repeated."),
        click.Option(["--drop"], multiple=True, type=int, metavar="ID", help="Give it up; can be repeated."),
        _FORMAT,
    ],
)

cursor = LazyCommand(
    "cursor",
    "telemetry_pipeline.cli.operating.cursor:cursor",
    short_help="Show or set how far the sync has come.",
    help="""Show up to which record id the sync has come and what holds it; or set it.

    Nothing that is stored changes. Without an option, the exit status is 1 while something holds it, or the ids or records of
    PanAccess do not go on from those that are stored.
    """,
    params=[
        click.Option(
            ["--set", "record_id"], type=click.IntRange(0, 2**63 - 1), metavar="ID", help="Go on behind that record id."
        ),
        click.Option(["--accept"], is_flag=True, help="Go on behind the jump that holds it."),
        click.Option(["--ignore"], is_flag=True, help="Leave out what is behind the jump that holds it."),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
    ],
)

adopt = LazyCommand(
    "adopt",
    "telemetry_pipeline.cli.operating.adopt:adopt",
    short_help="Change what is stored to settings that changed.",
    help="""
    Change what is stored to OPERATOR_TIMEZONE, PANACCESS_TIMEZONE, PANACCESS_USERNAME, and to the host of PANACCESS_URL.

    Rows that were made with others are refused company: ticks and repairs stop until the setting is set back, or until this
    command has changed what is stored. It says what it will do, asks, and does all of it in one transaction; writers wait
    meanwhile, and it can take minutes. Results of all days are out of date then, and are computed anew.
    """,
    params=[
        click.Option(["--same"], is_flag=True, help="PanAccess is the same, although it gives other records than are stored."),
        click.Option(
            ["--begins-at"],
            type=click.IntRange(1, 2**63 - 1),
            metavar="ID",
            help="It is another one, whose records begin there.",
        ),
        click.Option(["--yes"], is_flag=True, help="Do not ask."),
    ],
)

migrate = LazyCommand(
    "migrate",
    "telemetry_pipeline.cli.operating.migrate:migrate",
    short_help="Bring the warehouse's schema up to date.",
    help="""
    Apply the warehouse's migrations, and give its roles their rights; safe at every start, and from several places at once.

    It does so as the user of OWNER_DATABASE_URL, if that is set. The stack does it by itself; containers call it before they
    start.
    """,
)
