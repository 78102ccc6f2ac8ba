"""``telemetry-pipeline dead-letters``: the steps that failed after all retries, to be run again or given up."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from telemetry_pipeline.cli.saying import say, say_lines

if TYPE_CHECKING:
    from collections.abc import Collection
    from zoneinfo import ZoneInfo

    import sqlalchemy as sa

    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.warehouse.operations.dead_letters import OpenLetter

_ALL = "all"
_GIVEN_UP = "given up by operator"


@click.command("dead-letters", short_help="List steps that failed for good; run them again.")
@click.option("--rerun", multiple=True, metavar="ID|all", help="Run it again from its failure; can be repeated.")
@click.option("--drop", multiple=True, type=int, metavar="ID", help="Give it up; can be repeated.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    help="For people (table), or for programs.",
)
def dead_letters(rerun: tuple[str, ...], drop: tuple[int, ...], form: str) -> int:
    """List the steps that failed after all retries and wait for somebody; or run them again, or give them up."""
    from telemetry_pipeline.cli.target import database_url
    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.warehouse.db.connections import connect
    from telemetry_pipeline.warehouse.operations.dead_letters import end_problems, open_letters, settle

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
    from telemetry_pipeline.cli.output import bare_moment, print_table, times_in, to_json
    from telemetry_pipeline.client.graphql import one_line

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
    from telemetry_pipeline.cli.main import EXIT_FAILED
    from telemetry_pipeline.cli.target import graphql_url
    from telemetry_pipeline.client.pipeline import TelemetryClient
    from telemetry_pipeline.errors import RequestRefused
    from telemetry_pipeline.warehouse.operations.dead_letters import settle

    chosen = letters if _ALL in wanted else _chosen(letters, [_number(each) for each in wanted])
    if not chosen:
        say("none")
        return 0
    client = TelemetryClient(graphql_url(settings))
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
    """The letters of these numbers.

    :raises RequestRefused: some are not on the list.
    """
    from telemetry_pipeline.errors import RequestRefused

    if unknown := sorted(set(ids) - {letter.id for letter in letters}):
        raise RequestRefused(
            f"there is no open dead letter {', '.join(map(str, unknown))}; 'telemetry-pipeline dead-letters' lists them"
        )
    return [letter for letter in letters if letter.id in ids]
