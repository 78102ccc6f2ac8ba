"""The commands of the stack on this machine, as a person types them. What they do is in the modules of their names."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path

import click

from telemetry_pipeline.cli.lazy import LazyCommand
from telemetry_pipeline.simulator.options import Options

_DEFAULTS = Options()


def _rate(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | str | None:
    """Return an option's callback: ``history`` or a number of records a second, else a usage error."""
    if value is None or value == "history":
        return value
    with suppress(ValueError):
        if 0 <= float(value) < math.inf:
            return float(value)
    raise click.BadParameter(f"{value!r} is neither a number of records a second nor 'history'.")


up = LazyCommand(
    "up",
    "telemetry_pipeline.cli.local.up:up",
    short_help="Start the local stack and keep it up.",
    help="""Start PostgreSQL, Valkey, a worker, the web UI, the daemon and a simulator; Ctrl-C stops them.

    Servers that DATABASE_URL and REDIS_URL name are used in place of its own.
    """,
    params=[
        click.Option(
            ["--simulator/--no-simulator"],
            default=True,
            show_default=True,
            help="Let a simulator stand in for PanAccess while PANACCESS_URL is not set.",
        ),
        click.Option(["--port"], type=click.IntRange(1, 65535), help="Port of the web UI.  [default: 3000, or any if taken]"),
        click.Option(["--workers"], type=click.IntRange(1), default=2, show_default=True, help="Steps executed at once."),
        click.Option(["--records-count"], type=click.IntRange(1), help="Simulated records.  [default: 400000]"),
        click.Option(["--days"], type=click.IntRange(1), help="Days that they are spread over.  [default: 90]"),
        click.Option(
            ["--live"],
            metavar="RATE|history",
            callback=_rate,
            help="Simulated records a second from now on; or history: as many as before, in their rhythm.  [default: history]",
        ),
        click.Option(
            ["--records"],
            type=click.Path(exists=True, dir_okay=False, path_type=Path),
            help="An export of PanAccess's that the simulator serves instead.",
        ),
    ],
)

demo = LazyCommand(
    "demo",
    "telemetry_pipeline.cli.local.demo:demo",
    short_help="The whole way once, over simulated records.",
    help="""Start the stack, run the pipeline over the last 90 simulated days, and show what came of it.

    The stack stays up until Ctrl-C.
    """,
    params=[
        click.Option(
            ["--records-count"], type=click.IntRange(1), default=400_000, show_default=True, help="Simulated records."
        ),
        click.Option(["--port"], type=click.IntRange(1, 65535), help="Port of the web UI.  [default: 3000, or any if taken]"),
        click.Option(["--once"], is_flag=True, help="End after the run, in place of keeping the stack up."),
    ],
)

web = LazyCommand(
    "web",
    "telemetry_pipeline.cli.local.web:web",
    short_help="Serve the front door: log-in, pages, API.",
    help="""Serve the front door until SIGTERM or Ctrl-C: the one address that people open.

    WEB_URL and OTHER_WEB_URLS say how it is called besides 127.0.0.1. Whoever has a user ('users add') or a token
    ('tokens add') is let in.
    """,
    params=[
        click.Option(["--host"], default="127.0.0.1", show_default=True, help="Address to listen on."),
        click.Option(["--port"], type=click.IntRange(1, 65535), default=3000, show_default=True, help="Port."),
    ],
)

webserver = LazyCommand(
    "webserver",
    "telemetry_pipeline.cli.local.webserver:webserver",
    short_help="Serve Dagster's web UI and GraphQL to the front door.",
    help="""Serve Dagster's web UI and GraphQL until SIGTERM or Ctrl-C.

    It listens on two Unix sockets, one for operators and one for viewers, and asks nobody who they are: that is what the
    front door does, 'telemetry-pipeline web'.
    """,
    params=[
        click.Option(
            ["--workspace"],
            type=click.Path(path_type=Path),
            show_default="the project's own",
            help="Dagster's file that says where the code is.",
        ),
        click.Option(
            ["--sockets", "directory"],
            type=click.Path(path_type=Path, file_okay=False),
            show_default="WEB_SOCKETS",
            help="Directory of the sockets, for its owner alone.",
        ),
    ],
)

simulator = LazyCommand(
    "simulator",
    "telemetry_pipeline.cli.local.simulator:simulator",
    short_help="Run the simulator of the PanAccess API.",
    help="""Run the simulator of the PanAccess API.

    Seeded, realistic telemetry over HTTP, and faults to be switched on at POST /faults.
    """,
    params=[
        click.Option(["--host"], default=_DEFAULTS.host, show_default=True, help="Address to listen on."),
        click.Option(
            ["--port"], type=click.IntRange(0, 65535), default=_DEFAULTS.port, show_default=True, help="Port; 0: any free one."
        ),
        click.Option(
            ["--records-count"],
            type=click.IntRange(min=0),
            default=_DEFAULTS.records_count,
            show_default=True,
            help="Records of made-up history.",
        ),
        click.Option(
            ["--days"], type=click.IntRange(min=1), default=_DEFAULTS.days, show_default=True, help="Length of the history."
        ),
        click.Option(
            ["--end"],
            type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]),
            help="Last moment of the history, in UTC.  [default: now]",
        ),
        click.Option(
            ["--seed"], type=click.IntRange(min=0), default=_DEFAULTS.seed, show_default=True, help="Same seed, same data."
        ),
        click.Option(
            ["--records"],
            type=click.Path(path_type=Path),
            help="Serve this PanAccess export (CSV with ;, gzip or not) instead of made-up history.",
        ),
        click.Option(
            ["--live"],
            metavar="RATE|history",
            callback=_rate,
            default=str(_DEFAULTS.live),
            show_default=True,
            help="New records a second, evenly, stamped now; or history: at the rate and in the rhythm of the made-up history.",
        ),
        click.Option(
            ["--late-ids"],
            type=click.IntRange(min=0),
            default=_DEFAULTS.late_ids,
            show_default=True,
            help="How many of the newest ids become visible late; 0 also for no late ones among the live records.",
        ),
        click.Option(
            ["--late-seconds"],
            type=click.FloatRange(min=0),
            default=_DEFAULTS.late_seconds,
            show_default=True,
            help="How late, from the first listing on.",
        ),
        click.Option(
            ["--latency-ms"],
            type=click.FloatRange(min=0),
            default=_DEFAULTS.latency_ms,
            show_default=True,
            help="Added to each call.",
        ),
        click.Option(
            ["--page-cap"],
            type=click.IntRange(min=1),
            default=_DEFAULTS.page_cap,
            show_default=True,
            help="Most rows in a page.",
        ),
        click.Option(["--count/--no-count"], default=_DEFAULTS.count, show_default=True, help="Whether answers carry count."),
        click.Option(
            ["--session-ttl"],
            type=click.FloatRange(min=0),
            default=_DEFAULTS.session_ttl,
            show_default=True,
            help="Seconds from login to the session's end.",
        ),
        click.Option(
            ["--login-limit"],
            type=click.IntRange(min=0),
            default=_DEFAULTS.login_limit,
            show_default=True,
            help="Logins let through within the login window.",
        ),
        click.Option(
            ["--login-window"],
            type=click.FloatRange(min=0),
            default=_DEFAULTS.login_window,
            show_default=True,
            help="Seconds that the login limit counts.",
        ),
        click.Option(["--username"], default=_DEFAULTS.username, show_default=True, help="Accepted user name."),
        click.Option(["--password"], default=_DEFAULTS.password, show_default=True, help="Accepted password, without salt."),
        click.Option(["--api-token"], default=_DEFAULTS.api_token, show_default=True, help="Accepted API token."),
        click.Option(["--salt"], default=_DEFAULTS.salt, show_default=True, help="Salt of the password's hash."),
    ],
)

env = LazyCommand(
    "env",
    "telemetry_pipeline.cli.local.dagster:env",
    short_help="Print what other programs need to work with it.",
    help="""Print the settings of the stack that runs here, or of the pipeline that the settings name, for a shell to read:

    eval "$(telemetry-pipeline env)"

    Among them are passwords.
    """,
)

dagster = LazyCommand(
    "dagster",
    "telemetry_pipeline.cli.local.dagster:dagster",
    short_help="Run a command of Dagster's with the pipeline here.",
    help="""Run a command of Dagster's own, such as 'asset list', with the stack that runs here, or the pipeline that the
    settings name.
    """,
    params=[click.Argument(["arguments"], nargs=-1, type=click.UNPROCESSED)],
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
)
