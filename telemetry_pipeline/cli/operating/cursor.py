"""``telemetry-pipeline cursor``: up to which record id the sync has come, what holds it, and setting it."""

from __future__ import annotations

from collections.abc import Sequence

import click

from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.exits import EXIT_FAILED
from telemetry_pipeline.cli.saying import say, say_advice, say_problem
from telemetry_pipeline.errors import RequestRefused, TelemetryError
from telemetry_pipeline.moments import moment
from telemetry_pipeline.monitoring.facts.upstream import look_upstream
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.problems import ANEW, UPSTREAM, Incident, open_problems, resolve
from telemetry_pipeline.warehouse.raw import cursor as cursors
from telemetry_pipeline.warehouse.raw.cursor import Cursor


def cursor(record_id: int | None, accept: bool, ignore: bool, yes: bool) -> int:
    """Show how far the sync has come, or set it; the exit status."""
    if accept + ignore + (record_id is not None) > 1:
        raise click.UsageError("Give one of --set, --accept and --ignore.")
    settings = StackSettings.load()
    engine = connect(target.database_url(settings))
    at = cursors.read(engine)
    found = [each for each in open_problems(engine) if each.key.startswith(UPSTREAM)]
    if not (accept or ignore or record_id is not None):
        _show(at, found, settings)
        return EXIT_FAILED if found or (at.jump_id is not None and not at.ignores(at.jump_id)) else 0
    if (accept or ignore) and at.jump_id is None:
        raise RequestRefused("no jump holds the cursor")
    if ignore:
        say(f"Records from id {at.jump_id} on are left out, as long as there is a hole below them.")
    else:
        record_id = (at.jump_id or 0) - 1 if record_id is None else record_id
        say(_meaning(at.record_id, record_id))
    if not yes:
        click.confirm("Do that?", abort=True)
    if ignore and at.jump_id is not None:
        cursors.ignore(engine, at.jump_id)
    elif record_id is not None:
        cursors.put(engine, record_id)
        resolve(engine, ANEW)
    say("done; the next tick goes by it")
    return 0


def _meaning(was: int, record_id: int) -> str:
    if record_id == was:
        return f"The cursor stays at {was}; what holds it is forgotten, and looked for anew."
    if record_id > was:
        return (
            f"The cursor goes from {was} up to {record_id}: what comes with ids in between is read by no tick any more; "
            "a repair of its days still stores it."
        )
    return f"The cursor goes from {was} back to {record_id}: ids above are read again; what is stored is not stored twice."


def _show(at: Cursor, problems: Sequence[Incident], settings: StackSettings) -> None:
    by_hand = f", set by hand {moment(at.set_at, settings.operator_zone)}" if at.set_at else ""
    say(f"cursor         record id {at.record_id}{by_hand}")
    known = target.complete(settings, target.find_stack(settings))
    if known.panaccess_url is not None:
        upstream = look_upstream(known, at.jump_id)
        if isinstance(upstream, TelemetryError):
            say_problem("upstream", upstream)
        elif upstream.newest_before is None:
            say(f"upstream       newest is record id {upstream.newest_id}, {_distance(at, upstream.newest_id)}")
        else:
            before = f"{upstream.newest_before}, {_distance(at, upstream.newest_before)}" if upstream.newest_before else "none"
            say(f"upstream       newest is record id {upstream.newest_id}; before the jump {before}")
    if at.jump_id is not None and at.ignores(at.jump_id):
        say(f"left out       records from id {at.ignored_id} on")
    elif at.jump_id is not None:
        say((f"held           the next record is {at.jump_id}; --accept goes on there, --ignore leaves it out", "red"))
    for problem in problems:
        say((f"problem        {problem.summary}. {problem.detail}", "red"))
        say_advice(problem.advice, indent=15)


def _distance(at: Cursor, record_id: int) -> str:
    ahead = record_id - at.record_id
    return f"{ahead:,} ids above the cursor" if ahead >= 0 else f"{-ahead:,} ids below the cursor"
