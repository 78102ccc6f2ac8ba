"""``telemetry-pipeline status``: how the pipeline is doing, or how one run went."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from telemetry_pipeline.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from zoneinfo import ZoneInfo

    from telemetry_pipeline.cli.graphql import DagsterApi, Json
    from telemetry_pipeline.settings import StackSettings
    from telemetry_pipeline.warehouse.status import Count, WarehouseStatus

_LAST_RUNS = 10
# A prefix is looked for among this many of the newest runs: two weeks of ticks.
_SEARCHED_RUNS = 10_000


@click.command("status", short_help="Show how the pipeline is doing, or how a run went.")
@click.argument("run", required=False)
def status(run: str | None) -> None:
    """Show the stack, the last runs and what is stored; or one RUN, by its id or the beginning of it."""
    from telemetry_pipeline.settings import StackSettings

    settings = StackSettings.load()
    if run is None:
        _show_pipeline(settings)
    else:
        _show_run(settings, run)


def _show_pipeline(settings: StackSettings) -> None:
    from telemetry_pipeline.cli.graphql import DagsterApi
    from telemetry_pipeline.cli.output import moment
    from telemetry_pipeline.cli.target import find_stack
    from telemetry_pipeline.warehouse.database import connect
    from telemetry_pipeline.warehouse.status import read_status

    zone = settings.operator_zone
    stack = find_stack(settings)
    if stack is None:
        click.echo("stack          not running; start it with 'telemetry-pipeline up'")
    else:
        click.echo(f"stack          running since {moment(stack.started_at.astimezone(zone))}")
        click.echo(f"web UI         {stack.webserver_url}")
    failure: TelemetryError | None = None
    if settings.database_url is not None or stack is not None:
        url = settings.database_url or (stack.database_url if stack else "")
        try:
            for line in describe_warehouse(read_status(connect(url)), zone, datetime.now(UTC)):
                click.echo(line)
        except TelemetryError as err:
            failure = err  # told at the end: the runs may say why
    if stack is not None:
        _show_runs(DagsterApi(stack.graphql_url), zone)
    if failure is not None:
        raise failure


def describe_warehouse(warehouse: WarehouseStatus, zone: ZoneInfo, now: datetime) -> Iterator[str]:
    """What is stored, in lines; times in *zone*."""
    from telemetry_pipeline.cli.output import duration, moment

    yield f"records        {_count(warehouse.records)}"
    yield f"views          {_count(warehouse.views)}"
    synced = f", last sync {moment(warehouse.synced_at.astimezone(zone))}" if warehouse.synced_at else ""
    yield f"cursor         record id {warehouse.cursor}{synced}"
    if warehouse.newest_at is None:
        yield "newest record  none"
    else:
        lag = max(0.0, (now - warehouse.newest_at).total_seconds())
        yield f"newest record  {moment(warehouse.newest_at.astimezone(zone))}, {duration(lag)} ago"
    if warehouse.open_gaps:
        yield f"gaps           {warehouse.open_gaps:,} open, {warehouse.open_gap_ids:,} ids; they are tried again"
    else:
        yield "gaps           none open"
    if not warehouse.rejected:
        yield "rejected       none"
    for rejected in warehouse.rejected:
        yield (f"rejected       {rejected.records:,}: {rejected.reason} (last {moment(rejected.last_at.astimezone(zone))})")


def _count(count: Count) -> str:
    return f"{count.rows:,}" if count.exact else f"about {count.rows:,}"


def _show_runs(api: DagsterApi, zone: ZoneInfo) -> None:
    from telemetry_pipeline.cli.output import print_table

    runs = api.runs(_LAST_RUNS)
    if not runs:
        click.echo("runs           none yet")
        return
    click.echo()
    print_table(
        ["run", "job", "days", "status", "started", "took"],
        [
            (run["runId"][:8], _job(run), _days(run), run["status"].lower(), _time(run["startTime"], zone), _took(run))
            for run in runs
        ],
    )


def _show_run(settings: StackSettings, wanted: str) -> None:
    from telemetry_pipeline.cli.graphql import DagsterApi
    from telemetry_pipeline.cli.output import print_table
    from telemetry_pipeline.cli.target import need_stack

    zone = settings.operator_zone
    api = DagsterApi(need_stack(settings).graphql_url)
    run = find_run(api, wanted)
    click.echo(f"run            {run['runId']}")
    click.echo(f"job            {_job(run)} {_days(run)}")
    click.echo(f"status         {run['status'].lower()}")
    click.echo(f"started        {_time(run['startTime'], zone) or 'not yet'}")
    if took := _took(run):
        click.echo(f"took           {took}")
    steps = {step["stepKey"]: step for step in run["stepStats"]}
    planned = [step["key"] for step in (run["executionPlan"] or {"steps": []})["steps"]]
    rows = []
    for key in [*planned, *(key for key in steps if key not in planned)]:
        step = steps.get(key) or {"status": None, "startTime": None, "endTime": None, "attempts": []}
        rows.append(
            (
                key,
                (step["status"] or "not started").lower().replace("_", " "),
                _time(step["startTime"], zone),
                _took(step),
                len(step["attempts"]) or None,
            )
        )
    if rows:
        click.echo()
        print_table(["step", "status", "started", "took", "attempts"], rows)
    for step_key, message in _failures(api, run):
        click.echo(f"{step_key or 'the run'} failed: {message}")


def find_run(api: DagsterApi, wanted: str) -> Json:
    """The run whose id is, or begins with, *wanted*.

    :raises RequestRefused: none has, or several have.
    """
    from telemetry_pipeline.errors import RequestRefused

    run = api.run(wanted)
    if run is None:
        found = [known["runId"] for known in api.runs(_SEARCHED_RUNS) if known["runId"].startswith(wanted.lower())]
        if len(found) > 1:
            raise RequestRefused(f"{len(found)} runs begin with {wanted!r}; give more of the id")
        run = api.run(found[0]) if found else None
    if run is None:
        raise RequestRefused(f"there is no run {wanted!r}; 'telemetry-pipeline status' lists the last ones")
    return run


def _failures(api: DagsterApi, run: Json) -> list[tuple[str | None, str]]:
    from telemetry_pipeline.cli.follow import RunProgress

    if run["status"] != "FAILURE":
        return []
    progress, cursor, more = RunProgress(), None, True
    while more:
        page = api.events(run["runId"], cursor)
        progress.feed(page.events)
        cursor, more = page.cursor, page.has_more
    return progress.failures


def _job(run: Json) -> str:
    """The job; of a run of some assets, these."""
    assets = ["/".join(key["path"]) for key in run["assetSelection"] or []]
    return ", ".join(assets) if assets and run["jobName"].startswith("__") else str(run["jobName"])


def _days(run: Json) -> str:
    tags = {tag["key"]: tag["value"] for tag in run["tags"]}
    first, last = (tags.get(f"dagster/asset_partition_range_{end}") for end in ("start", "end"))
    if first and last:
        return first if first == last else f"{first} to {last}"
    return str(tags.get("dagster/partition", ""))


def _time(seconds: float | None, zone: ZoneInfo) -> str:
    return "" if seconds is None else datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def _took(ran: Json) -> str:
    """How long a run or a step took; nothing until it has ended."""
    from telemetry_pipeline.cli.output import duration

    return duration(ran["endTime"] - ran["startTime"]) if ran["startTime"] and ran["endTime"] else ""
