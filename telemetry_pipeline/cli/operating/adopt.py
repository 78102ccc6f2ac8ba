"""``telemetry-pipeline adopt``: change what is stored to settings that it was not made with."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.target import database_url
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.operations import adoption, problems
from telemetry_pipeline.warehouse.raw import claims


def adopt(same: bool, begins_at: int | None, yes: bool) -> None:
    """Say what adopting the settings would change, ask, and do it."""
    if same and begins_at is not None:
        raise click.UsageError("Give either --same or --begins-at.")
    settings = StackSettings.load()
    engine = connect(database_url(settings))
    made_with = claims.of_settings(settings)
    steps = adoption.plan(engine, made_with, same=same, begins_at=begins_at)
    if not steps:
        asked = next((each for each in problems.open_problems(engine) if each.key == problems.ANOTHER), None)
        if asked:
            raise RequestRefused(f"{asked.summary}. {asked.detail}", asked.advice)
        say("nothing to do: what is stored was made with these settings")
        return
    for step in steps:
        say(step)
    if not yes:
        click.confirm("Do that?", abort=True)
    changed = adoption.adopt(engine, made_with, same=same, begins_at=begins_at)
    if same or begins_at is not None:
        problems.resolve(engine, problems.ANEW)
    say(f"done; the time or the day of {changed:,} records changed")
