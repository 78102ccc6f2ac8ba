"""``telemetry-pipeline simulator``: the stand-in for PanAccess, in the foreground."""

from __future__ import annotations

import math
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import click

from telemetry_pipeline.simulator.options import Options

_DEFAULTS = Options()


def parse_rate(_ctx: click.Context, _param: click.Parameter, value: str | None) -> float | str | None:
    """An option's callback: ``history`` or a number of records a second, else a usage error."""
    if value is None or value == "history":
        return value
    with suppress(ValueError):
        if 0 <= float(value) < math.inf:
            return float(value)
    raise click.BadParameter(f"{value!r} is neither a number of records a second nor 'history'.")


@click.command("simulator")
@click.option("--host", default=_DEFAULTS.host, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=_DEFAULTS.port, show_default=True, help="Port; 0: any free one.")
@click.option(
    "--records-count",
    type=click.IntRange(min=0),
    default=_DEFAULTS.records_count,
    show_default=True,
    help="Records of made-up history.",
)
@click.option("--days", type=click.IntRange(min=1), default=_DEFAULTS.days, show_default=True, help="Length of the history.")
@click.option(
    "--end",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S"]),
    help="Last moment of the history, in UTC.  [default: now]",
)
@click.option("--seed", type=click.IntRange(min=0), default=_DEFAULTS.seed, show_default=True, help="Same seed, same data.")
@click.option(
    "--records",
    type=click.Path(path_type=Path),
    help="Serve this PanAccess export (CSV with ;, gzip or not) instead of made-up history.",
)
@click.option(
    "--live",
    metavar="RATE|history",
    callback=parse_rate,
    default=str(_DEFAULTS.live),
    show_default=True,
    help="New records a second, evenly, stamped now; or history: at the rate and in the rhythm of the made-up history.",
)
@click.option(
    "--late-ids",
    type=click.IntRange(min=0),
    default=_DEFAULTS.late_ids,
    show_default=True,
    help="How many of the newest ids become visible late; 0 also for no late ones among the live records.",
)
@click.option(
    "--late-seconds",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.late_seconds,
    show_default=True,
    help="How late, from the first listing on.",
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.latency_ms,
    show_default=True,
    help="Added to each call.",
)
@click.option(
    "--page-cap", type=click.IntRange(min=1), default=_DEFAULTS.page_cap, show_default=True, help="Most rows in a page."
)
@click.option("--count/--no-count", default=_DEFAULTS.count, show_default=True, help="Whether answers carry count.")
@click.option(
    "--session-ttl",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.session_ttl,
    show_default=True,
    help="Seconds from login to the session's end.",
)
@click.option(
    "--login-limit",
    type=click.IntRange(min=0),
    default=_DEFAULTS.login_limit,
    show_default=True,
    help="Logins let through within the login window.",
)
@click.option(
    "--login-window",
    type=click.FloatRange(min=0),
    default=_DEFAULTS.login_window,
    show_default=True,
    help="Seconds that the login limit counts.",
)
@click.option("--username", default=_DEFAULTS.username, show_default=True, help="Accepted user name.")
@click.option("--password", default=_DEFAULTS.password, show_default=True, help="Accepted password, without salt.")
@click.option("--api-token", default=_DEFAULTS.api_token, show_default=True, help="Accepted API token.")
@click.option("--salt", default=_DEFAULTS.salt, show_default=True, help="Salt of the password's hash.")
def simulator(end: datetime | None, records: Path | None, **options: object) -> None:
    """Run the simulator of the PanAccess API.

    Seeded, realistic telemetry over HTTP, and faults to be switched on at POST /faults.
    """
    # Imported here: numpy and the web server would slow down every other command.
    from telemetry_pipeline.simulator.records.export_file import BadExport
    from telemetry_pipeline.simulator.server import serve

    try:
        serve(Options(end=end, records=records, **options))  # type: ignore[arg-type]
    except BadExport as error:
        raise click.ClickException(str(error)) from error
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {options['host']}:{options['port']}: {error.strerror or error}"
        ) from error
