"""``telemetry-pipeline status``: how the pipeline is doing, or how one run went."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

from telemetry_pipeline.ages import is_future
from telemetry_pipeline.amounts import duration, size
from telemetry_pipeline.broker import WorkerInfo
from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.exits import EXIT_FAILED
from telemetry_pipeline.cli.operating.status_json import overview_facts, run_facts
from telemetry_pipeline.cli.output import print_table, to_json
from telemetry_pipeline.cli.saying import say, say_advice, say_lines, say_problem
from telemetry_pipeline.cli.target import Here
from telemetry_pipeline.client.answers import Run, Step
from telemetry_pipeline.client.checks import Check
from telemetry_pipeline.client.graphql import one_line
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.job_names import TICK_SCHEDULE
from telemetry_pipeline.moments import bare_moment, moment, times_in
from telemetry_pipeline.monitoring.facts.overview import WEB_TIMEOUT_SECONDS, Overview, Queues, Ticks, gather
from telemetry_pipeline.monitoring.facts.runs import RunReport, examine_run
from telemetry_pipeline.monitoring.facts.throughput import Throughput
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.operations.problems import CHANNEL
from telemetry_pipeline.warehouse.operations.status import Count, WarehouseStatus

_EXCLUDED = {"future": "of the future", "duplicate": "repeated"}


def status(run: str | None, form: str) -> int:
    """Show the pipeline at a glance, or one run; the exit status."""
    settings = StackSettings.load()
    zone = settings.operator_zone
    if run is not None:
        report = examine_run(target.client(settings), run)
        if form == "json":
            say_lines(to_json(run_facts(report, zone)))
        else:
            show_run(report, zone)
        return 0
    here = target.look_here(settings)
    client = target.client(settings, WEB_TIMEOUT_SECONDS) if target.webserver_url(settings) else None
    seen = gather(target.complete(settings, here.stack), client)
    if form == "json":
        say_lines(to_json(overview_facts(seen, here, zone)))
    else:
        show_overview(seen, here, zone)
    return EXIT_FAILED if seen.failures or seen.refuses_upstream else 0


def show_overview(seen: Overview, here: Here, zone: ZoneInfo) -> None:
    """Print the pipeline at a glance for people; who did not answer says so in its place."""

    def failure(server: str) -> None:
        if server in seen.failures:
            say_problem(server, seen.failures[server])

    _show_addresses(here, zone)
    failure("PostgreSQL")
    _show_problems(seen, zone)
    if seen.warehouse is not None:
        _show_newest_record(seen, seen.warehouse, zone)
    _show_upstream(seen)
    failure("web server")
    failure("ticks")
    if seen.ticks is not None:
        _show_ticks(seen, seen.ticks, zone)
    failure("throughput")
    if seen.throughput is not None:
        _show_throughput(seen.throughput)
    failure("checks")
    _show_checks(seen.checks or [])
    if seen.runs is not None:
        _show_runs(seen.runs, zone)
    failure("broker")
    if seen.queues is not None:
        _show_queues(seen.queues, seen.lost)
    failure("workers")
    if seen.workers is not None:
        _show_workers(seen.workers)
    if seen.warehouse is not None:
        _show_stored(seen, seen.warehouse, zone)
    _show_room(seen)


def _show_addresses(here: Here, zone: ZoneInfo) -> None:
    if here.stack is not None:
        say(f"stack          running since {moment(here.stack.started_at, zone)}")
    elif here.elsewhere:
        say("stack          none here; DATABASE_URL and REDIS_URL name servers elsewhere")
    else:
        say(f"stack          none is running in {here.home}; start it with 'telemetry-pipeline up'")
    if here.web_url is not None and (here.stack is not None or here.elsewhere):
        say(f"web UI         {here.web_url}")
    if here.stack is not None and here.stack.flower_url is not None:
        say(f"Flower         {here.stack.flower_url}")


def _show_problems(seen: Overview, zone: ZoneInfo) -> None:
    if seen.incidents is None:
        return
    if not seen.incidents:
        say("problems       none open")
    for problem in seen.incidents:
        noticed = f"since {moment(problem.opened_at, zone)}"
        if problem.times > 1:
            noticed += f", {problem.times:,} times, last {moment(problem.last_at, zone)}"
        say((f"problem        {problem.summary} ({noticed})", "red"))
        say_advice(problem.advice, indent=15)
    known = {problem.key for problem in seen.incidents}
    for channel in seen.channels or []:
        if channel.failing_since is not None and CHANNEL + channel.channel in known:
            failing = f"failing since {moment(channel.failing_since, zone)}, {channel.failures:,} times"
            say((f"alerts         {channel.channel} ({failing}): {one_line(channel.error or '')}", "red"))


def _show_newest_record(seen: Overview, warehouse: WarehouseStatus, zone: ZoneInfo) -> None:
    if warehouse.newest_at is None:
        say("newest record  none")
    else:
        say(f"newest record  {moment(warehouse.newest_at, zone)}, {_ago(seen, warehouse.newest_at)}")


def _show_upstream(seen: Overview) -> None:
    if seen.upstream is None:
        return
    if isinstance(seen.upstream, TelemetryError):
        say_problem("upstream", seen.upstream)
        return
    behind = ""
    if seen.warehouse is not None:
        before = seen.upstream.newest_before
        below = seen.warehouse.cursor - (seen.upstream.newest_id if before is None else before)
        unread = "nothing is read yet" if seen.ids_behind is None else f"{seen.ids_behind:,} ids ahead of the cursor"
        if below > 0:
            unread = "no record" if before == 0 else f"{below:,} ids below the cursor"
        behind = f", {unread}"
        if before is not None:
            what = "is left out" if seen.warehouse.left_out else "holds the cursor"
            behind = f"; id {seen.warehouse.jump_id}, behind a jump, {what}; before it {unread}"
    say(f"upstream       newest is record id {seen.upstream.newest_id}{behind}")


def _show_ticks(seen: Overview, ticks: Ticks, zone: ZoneInfo) -> None:
    last = "none succeeded yet"
    if ticks.succeeded_at is not None:
        last = f"last success {moment(ticks.succeeded_at, zone)}, {_ago(seen, ticks.succeeded_at)}"
    counted = ", ".join(f"{count} {outcome}" for outcome, count in ticks.outcomes.items())
    say(f"ticks          {last}" + (f"; of the last {sum(ticks.outcomes.values())}: {counted}" if counted else ""))
    if not ticks.switched_on:
        say((f"ticks          {TICK_SCHEDULE} is switched off", "red"))


def _show_throughput(done: Throughput) -> None:
    took = [
        f"a {what} took {duration(seconds)}"
        for what, seconds in (("run", done.mean_run_seconds), ("step", done.mean_step_seconds))
        if seconds is not None
    ]
    ended = f"{done.runs:,} runs ({done.failed_runs:,} failed), {done.steps_a_minute:.1f} steps a minute"
    say(f"throughput     of {done.minutes:.0f} minutes: {', '.join([ended, *took])}")


def _show_checks(checks: list[Check]) -> None:
    for check in checks:
        if check.passed is False:
            say((f"check          {check.name} of {check.asset} did not pass", "red"))


def _show_room(seen: Overview) -> None:
    for each in seen.partitions or []:
        of = f" of {each.first:%Y-%m} to {each.last:%Y-%m}" if each.first and each.last else ""
        say(f"partitions     {each.table}: {each.months} months{of}, {size(each.size_bytes)}")
    for disk in seen.disks or []:
        say(f"disk           {disk.path}: {size(disk.free_bytes)} of {size(disk.total_bytes)} are free")


def _ago(seen: Overview, at: datetime) -> str:
    seconds = seen.seconds_since(at)
    if is_future(at, seen.at):
        return f"which is {duration(-seconds)} in the future: a clock was set back"
    return f"{duration(max(0.0, seconds))} ago"


def _show_runs(runs: list[Run], zone: ZoneInfo) -> None:
    if not runs:
        say("runs           none yet")
        return
    say()
    print_runs(runs, zone)
    say()


def print_runs(runs: list[Run], zone: ZoneInfo) -> None:
    """Print a list of runs for people."""
    print_table(
        ["run", "job", "days", "status", "started", "took"],
        [(run.run_id[:8], run.target, _days(run), run.status.lower(), _time(run.started_at, zone), _took(run)) for run in runs],
        times_in(zone),
    )


def _show_queues(queues: Queues, lost: int | None) -> None:
    waits = ", ".join(f"{queue} {count:,}" for queue, count in queues.waiting.items())
    say(f"queues         {waits} waiting; {len(queues.taken) - (lost or 0):,} with workers")
    if lost:
        say((f"queues         {lost:,} of workers that are gone, waiting to be given out again", "red"))
    if queues.foreign:
        say((f"queues         {queues.foreign:,} waiting are no steps of the pipeline: workers drop them", "red"))


def _show_workers(workers: list[WorkerInfo]) -> None:
    if not workers:
        say(("workers        none answers", "red"))
    for worker in workers:
        at_work = ", ".join(step.step for step in worker.steps if step.at_work) or "none"
        processes = "1 process" if len(worker.processes) == 1 else f"{len(worker.processes)} processes"
        say(f"worker         {worker.node}: {', '.join(worker.queues)}; {processes}; steps at work: {at_work}")


def _show_stored(seen: Overview, warehouse: WarehouseStatus, zone: ZoneInfo) -> None:
    see = "; see 'telemetry-pipeline dead-letters'"
    say(f"dead letters   {f'{warehouse.dead_letters:,}{see}' if warehouse.dead_letters else 'none'}")
    say(f"records        {_count(warehouse.records)}")
    say(f"views          {_count(warehouse.views)}")
    if excluded := _excluded(warehouse.excluded):
        say(f"views that do not count  {excluded}")
    synced = (
        f", last sync {moment(warehouse.synced_at, zone)}, {_ago(seen, warehouse.synced_at)}" if warehouse.synced_at else ""
    )
    say(f"cursor         record id {warehouse.cursor}{synced}")
    gaps = f"{warehouse.open_gaps:,} open, {warehouse.open_gap_ids:,} ids; they are tried again"
    say(f"gaps           {gaps if warehouse.open_gaps else 'none open'}")
    if not warehouse.rejected:
        say("rejected       none")
    for rejected in warehouse.rejected:
        say(f"rejected       {rejected.records:,}: {rejected.reason} (last {moment(rejected.last_at, zone)})")


def _excluded(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count:,} {_EXCLUDED.get(reason, reason)}" for reason, count in counts.items() if count)


def _count(count: Count) -> str:
    return f"{count.rows:,}" if count.exact else f"about {count.rows:,}"


def show_run(report: RunReport, zone: ZoneInfo) -> None:
    """Print how a run went for people."""
    run = report.run
    say(f"run            {run.run_id}")
    say(f"job            {run.target} {_days(run)}".rstrip())
    say(f"status         {run.status.lower()}")
    say(f"started        {moment(run.started_at, zone) if run.started_at else 'not yet'}")
    if took := _took(run):
        say(f"took           {took}")
    rows = [
        (step.key, step.status.lower().replace("_", " "), _time(step.started_at, zone), _took(step), step.attempts or None)
        for step in run.steps
    ]
    if rows:
        say()
        print_table(["step", "status", "started", "took", "attempts"], rows, times_in(zone))
    for failure in report.failures:
        say(f"{failure.step or 'the run'} failed: {failure.message}")
        say_advice(failure.advice)


def _days(run: Run) -> str:
    if run.partitions is None:
        return ""
    first, last = run.partitions
    return first if first == last else f"{first} to {last}"


def _time(at: datetime | None, zone: ZoneInfo) -> str:
    return "" if at is None else bare_moment(at, zone)


def _took(ran: Run | Step) -> str:
    """Return how long a run or a step took; nothing until it has ended."""
    return duration((ran.ended_at - ran.started_at).total_seconds()) if ran.started_at and ran.ended_at else ""
