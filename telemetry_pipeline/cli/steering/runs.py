"""``telemetry-pipeline runs``, ``cancel``, ``repeat``: which runs there are, and what a person does with them."""

from __future__ import annotations

from datetime import date

import click

from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.admitting.users import at_the_machine
from telemetry_pipeline.cli.exits import EXIT_FAILED
from telemetry_pipeline.cli.operating.status import print_runs
from telemetry_pipeline.cli.operating.status_json import listed_run
from telemetry_pipeline.cli.output import to_json
from telemetry_pipeline.cli.saying import say, say_lines
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.monitoring.facts.runs import find_run
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.steering import runs as steering
from telemetry_pipeline.steering.record import Record
from telemetry_pipeline.steering.tasks import State, Wanted, find_runs
from telemetry_pipeline.warehouse.db.connections import connect


def runs(state: str | None, job: str | None, since: date | None, lines: int, form: str) -> None:
    """List them."""
    settings = StackSettings.load()
    wanted = Wanted(State(state) if state else None, job, since)
    found = find_runs(target.client(settings), wanted, settings.operator_zone, lines)
    if form == "json":
        say_lines(to_json(listed_run(run, settings.operator_zone) for run in found))
    elif not found:
        say("none")
    else:
        print_runs(found, settings.operator_zone)


def cancel(run: str | None, every: bool, yes: bool) -> int:
    """Cancel one or all; the exit status."""
    if every == (run is not None):
        raise click.UsageError("Give either a run or --all.")
    settings = StackSettings.load()
    client, record = target.client(settings), open_record(settings)
    if run is not None:
        run_id = find_run(client, run).run_id
        steering.cancel(client, record, run_id)
        say(f"run {run_id} ends")
        return 0
    if not yes:
        click.confirm("Cancel every run that has not ended?", abort=True)
    return say_cancelled(steering.cancel_all(client, record))


def repeat(run: str) -> None:
    """Launch it again."""
    settings = StackSettings.load()
    client: TelemetryClient = target.client(settings)
    run_id = find_run(client, run).run_id
    say(f"run {steering.repeat(client, open_record(settings), run_id)} repeats {run_id}")


def open_record(settings: StackSettings) -> Record:
    """Return where it is put on record what this person does; a front door that is asked with a token does so itself."""
    through_the_door = settings.telemetry_token is not None and target.find_stack(settings) is None
    engine = None if through_the_door and settings.database_url is None else connect(target.database_url(settings))
    return Record(engine, at_the_machine())


def say_cancelled(done: steering.Cancelled) -> int:
    """Print which runs end, and which do not; the exit status."""
    for run_id in done.runs:
        say(f"run {run_id} ends")
    for run_id, problem in done.refused.items():
        say(f"error: run {run_id} goes on: {problem}", err=True)
    if not done.runs and not done.refused:
        say("none has to be cancelled")
    return EXIT_FAILED if done.refused else 0
