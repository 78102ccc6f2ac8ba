"""``telemetry-pipeline dead-letters``: the steps that failed after all retries, to be run again or given up."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict
from zoneinfo import ZoneInfo

import click
import sqlalchemy as sa

from telemetry_pipeline.cli import target
from telemetry_pipeline.cli.exits import EXIT_FAILED
from telemetry_pipeline.cli.output import print_table, to_json
from telemetry_pipeline.cli.saying import say, say_lines
from telemetry_pipeline.cli.target import database_url
from telemetry_pipeline.client.graphql import one_line
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.moments import bare_moment, times_in
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations.dead_letters import OpenLetter, end_problems, open_letters, settle

_ALL = "all"
_GIVEN_UP = "given up by operator"


def dead_letters(rerun: tuple[str, ...], drop: tuple[int, ...], form: str) -> int:
    """List dead letters, run them again, or give them up; the exit status."""
    if rerun and drop:
        raise click.UsageError("Give either --rerun or --drop.")
    settings = StackSettings.load()
    engine = connect(database_url(settings))
    letters = open_letters(engine)
    if rerun:
        return _run_again(settings, engine, letters, rerun)
    if drop:
        dropped = _chosen(letters, drop)
        settle(engine, [letter.id for letter in dropped], _GIVEN_UP)
        end_problems(engine, {letter.run_id for letter in dropped} - {each.run_id for each in letters if each not in dropped})
        say(f"given up: {', '.join(map(str, drop))}")
    else:
        _show(letters, form, settings.operator_zone)
    return 0


def _show(letters: list[OpenLetter], form: str, zone: ZoneInfo) -> None:
    if form == "json":
        say_lines(to_json({**asdict(each), "failed_at": each.failed_at.astimezone(zone).isoformat()} for each in letters))
    elif not letters:
        say("none")
    else:
        print_table(
            ["id", "when", "job", "step", "partition", "run", "error"],
            [
                (
                    str(each.id),
                    bare_moment(each.failed_at, zone),
                    each.job,
                    each.step,
                    each.partition,
                    each.run_id[:8],
                    one_line(each.error),
                )
                for each in letters
            ],
            times_in(zone),
            prose=True,
        )


def _run_again(settings: StackSettings, engine: sa.Engine, letters: list[OpenLetter], wanted: tuple[str, ...]) -> int:
    """Run each run of the wanted letters again, once; the exit status is 1 if any was refused."""
    chosen = letters if _ALL in wanted else _chosen(letters, [_number(each) for each in wanted])
    if not chosen:
        say("none")
        return 0
    client = target.client(settings)
    status = 0
    for run_id in dict.fromkeys(letter.run_id for letter in chosen):
        # What failed in a run is repeated together, whether all of it was asked for or not.
        repeated = [letter for letter in letters if letter.run_id == run_id]
        what = f"{repeated[0].job} {repeated[0].partition}".rstrip()
        try:
            new_run_id = client.reexecute(run_id)
        except RequestRefused as err:
            say(f"error: run {run_id} of {what} cannot be run again: {err}", err=True)
            status = EXIT_FAILED
            continue
        settle(engine, [letter.id for letter in repeated], new_run_id)
        say(f"run {new_run_id} repeats {', '.join(letter.step for letter in repeated)} of {what}")
    return status


def _number(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is neither a number of the list nor '{_ALL}'.", param_hint="'--rerun'") from None


def _chosen(letters: list[OpenLetter], ids: Collection[int]) -> list[OpenLetter]:
    """Return the letters of these numbers.

    :raises RequestRefused: some are not on the list.
    """
    if unknown := sorted(set(ids) - {letter.id for letter in letters}):
        raise RequestRefused(
            f"there is no open dead letter {', '.join(map(str, unknown))}", "'telemetry-pipeline dead-letters' lists them"
        )
    return [letter for letter in letters if letter.id in ids]
