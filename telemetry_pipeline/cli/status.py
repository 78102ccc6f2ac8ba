"""``telemetry-pipeline status``: how the pipeline is doing, or how one run went."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

import click

from telemetry_pipeline.errors import TelemetryError

if TYPE_CHECKING:
    from collections.abc import Callable
    from zoneinfo import ZoneInfo

    from telemetry_pipeline.broker import WorkerInfo
    from telemetry_pipeline.client import TelemetryClient
    from telemetry_pipeline.client.answers import Run, Step
    from telemetry_pipeline.client.graphql import Json
    from telemetry_pipeline.settings import StackSettings
    from telemetry_pipeline.stack.state import StackState
    from telemetry_pipeline.warehouse.problems import ChannelState, Incident
    from telemetry_pipeline.warehouse.status import Count, WarehouseStatus

_TICK = "telemetry_tick"
_LAST_RUNS = 10
# A prefix is looked for among this many of the newest runs: two weeks of ticks.
_SEARCHED_RUNS = 10_000
_ID_LENGTH = 36
_WEB_TIMEOUT_SECONDS = 20.0

_TICKS = """
query Ticks($schedule: ScheduleSelector!, $limit: Int!) {
  scheduleOrError(scheduleSelector: $schedule) {
    __typename
    ... on Schedule { scheduleState { status ticks(limit: $limit) { status runs { status } } } }
    ... on ScheduleNotFoundError { message }
    ... on PythonError { message className causes { message className } }
  }
}"""

T = TypeVar("T")


@click.command("status", short_help="Show how the pipeline is doing, or how a run went.")
@click.argument("run", required=False)
def status(run: str | None) -> int:
    """Show what is wrong, how far behind it is, the last runs, queues, workers, and what is stored; or one RUN.

    RUN is the id of a run, or the beginning of it. Without it, the exit status is 1 if a server does not answer.
    """
    from telemetry_pipeline.settings import StackSettings

    settings = StackSettings.load()
    if run is None:
        return _show_pipeline(settings)
    _show_run(settings, run)
    return 0


def _show_pipeline(settings: StackSettings) -> int:
    from telemetry_pipeline import broker
    from telemetry_pipeline.cli.doctor import complete
    from telemetry_pipeline.cli.main import EXIT_FAILED
    from telemetry_pipeline.cli.target import find_stack, graphql_url, webserver_url
    from telemetry_pipeline.client import TelemetryClient
    from telemetry_pipeline.warehouse import problems
    from telemetry_pipeline.warehouse.database import connect
    from telemetry_pipeline.warehouse.status import read_status

    zone = settings.operator_zone
    stack = find_stack(settings)
    known = complete(settings, stack)
    failed = False

    def ask(server: str, question: Callable[[], T]) -> T | None:
        """The answer; without one, say so and go on."""
        nonlocal failed
        try:
            return question()
        except TelemetryError as err:
            failed = True
            click.echo(f"{server:15}{err}")
            return None

    _show_addresses(settings, stack)
    warehouse = None
    if known.database_url is not None:
        engine = connect(known.database_url)
        warehouse = ask("PostgreSQL", lambda: read_status(engine))
        if warehouse is not None:
            ask("PostgreSQL", lambda: _show_problems(problems.open_problems(engine), problems.channels(engine), zone))
            _show_newest_record(warehouse, zone)
    if known.panaccess_url is not None:
        _show_upstream(known, warehouse)
    if webserver_url(settings) is not None:
        client = TelemetryClient(graphql_url(settings), _WEB_TIMEOUT_SECONDS)
        runs = ask("web server", lambda: client.runs(limit=_LAST_RUNS))
        if runs is not None:
            ask("ticks", lambda: _show_ticks(graphql_url(settings), client, zone))
            _show_runs(runs, zone)
    if known.redis_url is not None:
        redis_url = known.redis_url.get_secret_value()
        waiting = ask("broker", lambda: (broker.waiting(redis_url), broker.unacknowledged(redis_url)))
        if waiting is not None:
            _show_queues(*waiting)
            workers = ask("workers", lambda: broker.workers(redis_url))
            if workers is not None:
                _show_workers(workers)
    if warehouse is not None:
        _show_stored(warehouse, zone)
    return EXIT_FAILED if failed else 0


def _show_addresses(settings: StackSettings, stack: StackState | None) -> None:
    from telemetry_pipeline.cli.output import moment

    if stack is not None:
        click.echo(f"stack          running since {moment(stack.started_at.astimezone(settings.operator_zone))}")
        click.echo(f"web UI         {stack.webserver_url}")
        if stack.flower_url is not None:
            click.echo(f"Flower         {stack.flower_url}")
    elif settings.database_url and settings.redis_url:
        click.echo("stack          none here; DATABASE_URL and REDIS_URL name servers elsewhere")
        if settings.web_url:
            click.echo(f"web UI         {settings.web_url}")
    else:
        click.echo("stack          not running; start it with 'telemetry-pipeline up'")


def _show_problems(incidents: list[Incident], channels: list[ChannelState], zone: ZoneInfo) -> None:
    from telemetry_pipeline.cli.output import moment
    from telemetry_pipeline.client.graphql import one_line
    from telemetry_pipeline.warehouse.problems import CHANNEL

    if not incidents:
        click.echo("problems       none open")
    for problem in incidents:
        noticed = f"since {moment(problem.opened_at.astimezone(zone))}"
        if problem.times > 1:
            noticed += f", {problem.times:,} times, last {moment(problem.last_at.astimezone(zone))}"
        click.secho(f"problem        {problem.summary} ({noticed})", fg="red")
    known = {problem.key for problem in incidents}
    for channel in channels:
        if channel.failing_since is not None and CHANNEL + channel.channel in known:
            failing = f"failing since {moment(channel.failing_since.astimezone(zone))}, {channel.failures:,} times"
            click.secho(f"alerts         {channel.channel} ({failing}): {one_line(channel.error or '')}", fg="red")


def _show_newest_record(warehouse: WarehouseStatus, zone: ZoneInfo) -> None:
    from telemetry_pipeline.cli.output import duration, moment

    if warehouse.newest_at is None:
        click.echo("newest record  none")
    else:
        age = max(0.0, (datetime.now(UTC) - warehouse.newest_at).total_seconds())
        click.echo(f"newest record  {moment(warehouse.newest_at.astimezone(zone))}, {duration(age)} ago")


def _show_upstream(settings: StackSettings, warehouse: WarehouseStatus | None) -> None:
    """How far the cursor is behind. An upstream that does not answer is not for us to mend."""
    try:
        newest = _newest_upstream_id(settings)
    except TelemetryError as err:
        click.echo(f"upstream       {err}")
        return
    behind = ""
    if warehouse is not None:
        # Ids do not begin at 1.
        ahead = f"{max(0, newest - warehouse.cursor):,} ids ahead of the cursor"
        behind = f", {ahead if warehouse.cursor else 'nothing is read yet'}"
    click.echo(f"upstream       newest is record id {newest}{behind}")


def _newest_upstream_id(settings: StackSettings) -> int:
    import redis

    from telemetry_pipeline.panaccess.client import PanAccessClient
    from telemetry_pipeline.panaccess.feed import Feed
    from telemetry_pipeline.panaccess.records import PageDecoder
    from telemetry_pipeline.settings import Settings

    values = {name: getattr(settings, name) for name in type(settings).model_fields}
    # These are not needed for that.
    values["database_url"] = values["database_url"] or "postgresql://unused"
    values["dagster_database_url"] = values["dagster_database_url"] or "postgresql://unused"
    full = Settings.load(**{name: value for name, value in values.items() if value is not None})
    decode = PageDecoder(full.panaccess_zone, full.operator_zone)
    try:
        return Feed(PanAccessClient.from_settings(full, shared=True), decode, full.panaccess_zone).newest_id(tries=1)
    except redis.RedisError as err:
        raise TelemetryError("not asked: its session is kept by the broker, which does not answer") from err


def _show_ticks(url: str, client: TelemetryClient, zone: ZoneInfo) -> None:
    from telemetry_pipeline.cli.output import duration, moment
    from telemetry_pipeline.client.documents import LOCATION, REPOSITORY
    from telemetry_pipeline.client.graphql import Endpoint, unwrap

    schedule = {"repositoryLocationName": LOCATION, "repositoryName": REPOSITORY, "scheduleName": f"{_TICK}_schedule"}
    answer = Endpoint(url, _WEB_TIMEOUT_SECONDS).ask(_TICKS, schedule=schedule, limit=_LAST_RUNS)
    state = unwrap(answer["scheduleOrError"])["scheduleState"]
    succeeded = client.runs(job=_TICK, statuses=["SUCCESS"], limit=1)
    last = "none succeeded yet"
    if succeeded and (ended_at := succeeded[0].ended_at) is not None:
        age = max(0.0, (datetime.now(UTC) - ended_at).total_seconds())
        last = f"last success {moment(ended_at.astimezone(zone))}, {duration(age)} ago"
    counts = Counter(_outcome(tick) for tick in state["ticks"])
    counted = ", ".join(f"{count} {outcome}" for outcome, count in counts.most_common())
    click.echo(f"ticks          {last}" + (f"; of the last {counts.total()}: {counted}" if counts else ""))
    if state["status"] != "RUNNING":
        click.secho(f"ticks          {_TICK}_schedule is switched off", fg="red")


def _outcome(tick: Json) -> str:
    """What came of a tick of the schedule; of one that launched a run, of that."""
    if tick["status"] in ("SKIPPED", "FAILURE"):
        return "skipped" if tick["status"] == "SKIPPED" else "failed"
    statuses = {run["status"] for run in tick["runs"]}
    return "succeeded" if statuses == {"SUCCESS"} else "failed" if statuses & {"FAILURE", "CANCELED"} else "under way"


def _show_runs(runs: list[Run], zone: ZoneInfo) -> None:
    from telemetry_pipeline.cli.output import print_table

    if not runs:
        click.echo("runs           none yet")
        return
    click.echo()
    print_table(
        ["run", "job", "days", "status", "started", "took"],
        [(run.run_id[:8], run.target, _days(run), run.status.lower(), _time(run.started_at, zone), _took(run)) for run in runs],
    )
    click.echo()


def _show_queues(waiting: dict[str, int], unacknowledged: int) -> None:
    waits = ", ".join(f"{queue} {count:,}" for queue, count in waiting.items())
    click.echo(f"queues         {waits} waiting; {unacknowledged:,} with workers")


def _show_workers(workers: list[WorkerInfo]) -> None:
    if not workers:
        click.secho("workers        none answers", fg="red")
    for worker in workers:
        at_work = ", ".join(step.step for step in worker.steps if step.at_work) or "none"
        processes = "1 process" if len(worker.processes) == 1 else f"{len(worker.processes)} processes"
        click.echo(f"worker         {worker.node}: {', '.join(worker.queues)}; {processes}; steps at work: {at_work}")


def _show_stored(warehouse: WarehouseStatus, zone: ZoneInfo) -> None:
    from telemetry_pipeline.cli.output import moment

    see = "; see 'telemetry-pipeline dead-letters'"
    click.echo(f"dead letters   {f'{warehouse.dead_letters:,}{see}' if warehouse.dead_letters else 'none'}")
    click.echo(f"records        {_count(warehouse.records)}")
    click.echo(f"views          {_count(warehouse.views)}")
    synced = f", last sync {moment(warehouse.synced_at.astimezone(zone))}" if warehouse.synced_at else ""
    click.echo(f"cursor         record id {warehouse.cursor}{synced}")
    gaps = f"{warehouse.open_gaps:,} open, {warehouse.open_gap_ids:,} ids; they are tried again"
    click.echo(f"gaps           {gaps if warehouse.open_gaps else 'none open'}")
    if not warehouse.rejected:
        click.echo("rejected       none")
    for rejected in warehouse.rejected:
        last = moment(rejected.last_at.astimezone(zone))
        click.echo(f"rejected       {rejected.records:,}: {rejected.reason} (last {last})")


def _count(count: Count) -> str:
    return f"{count.rows:,}" if count.exact else f"about {count.rows:,}"


def _show_run(settings: StackSettings, wanted: str) -> None:
    from telemetry_pipeline.cli.output import print_table
    from telemetry_pipeline.cli.target import graphql_url
    from telemetry_pipeline.client import TelemetryClient

    zone = settings.operator_zone
    client = TelemetryClient(graphql_url(settings))
    run = find_run(client, wanted)
    click.echo(f"run            {run.run_id}")
    click.echo(f"job            {run.target} {_days(run)}")
    click.echo(f"status         {run.status.lower()}")
    click.echo(f"started        {_time(run.started_at, zone) or 'not yet'}")
    if took := _took(run):
        click.echo(f"took           {took}")
    rows = [
        (step.key, step.status.lower().replace("_", " "), _time(step.started_at, zone), _took(step), step.attempts or None)
        for step in run.steps
    ]
    if rows:
        click.echo()
        print_table(["step", "status", "started", "took", "attempts"], rows)
    for step_key, message in _failures(client, run):
        click.echo(f"{step_key or 'the run'} failed: {message}")


def find_run(client: TelemetryClient, wanted: str) -> Run:
    """The run whose id is, or begins with, *wanted*.

    :raises RequestRefused: none has, or several have.
    """
    from telemetry_pipeline.errors import RequestRefused

    if len(wanted) >= _ID_LENGTH:
        return client.run(wanted)
    found = [run.run_id for run in client.runs(limit=_SEARCHED_RUNS) if run.run_id.startswith(wanted.lower())]
    if len(found) > 1:
        raise RequestRefused(f"{len(found)} runs begin with {wanted!r}; give more of the id")
    if not found:
        raise RequestRefused(f"there is no run {wanted!r}; 'telemetry-pipeline status' lists the last ones")
    return client.run(found[0])


def _failures(client: TelemetryClient, run: Run) -> list[tuple[str | None, str]]:
    return client.progress(run.run_id).failures if run.status == "FAILURE" else []


def _days(run: Run) -> str:
    if run.partitions is None:
        return ""
    first, last = run.partitions
    return first if first == last else f"{first} to {last}"


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def _took(ran: Run | Step) -> str:
    """How long a run or a step took; nothing until it has ended."""
    from telemetry_pipeline.cli.output import duration

    return duration((ran.ended_at - ran.started_at).total_seconds()) if ran.started_at and ran.ended_at else ""
