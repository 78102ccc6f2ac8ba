"""``telemetry-pipeline adopt``: change what is stored to settings that it was not made with."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.saying import say


@click.command("adopt", short_help="Change what is stored to settings that changed.")
@click.option("--same", is_flag=True, help="PanAccess is the same, although it gives other records than are stored.")
@click.option(
    "--begins-at", type=click.IntRange(1, 2**63 - 1), metavar="ID", help="It is another one, whose records begin there."
)
@click.option("--yes", is_flag=True, help="Do not ask.")
def adopt(same: bool, begins_at: int | None, yes: bool) -> None:
    """Change what is stored to OPERATOR_TIMEZONE, PANACCESS_TIMEZONE, PANACCESS_USERNAME, and to the host of PANACCESS_URL.

    Rows that were made with others are refused company: ticks and repairs stop until the setting is set back, or until this
    command has changed what is stored. It says what it will do, asks, and does all of it in one transaction; writers wait
    meanwhile, and it can take minutes. Results of all days are out of date then, and are computed anew.
    """
    from telemetry_pipeline.cli.target import database_url
    from telemetry_pipeline.errors import RequestRefused
    from telemetry_pipeline.settings.loading import StackSettings
    from telemetry_pipeline.warehouse.db.connections import connect
    from telemetry_pipeline.warehouse.db.errors import explained
    from telemetry_pipeline.warehouse.operations import adoption, problems
    from telemetry_pipeline.warehouse.raw import claims

    if same and begins_at is not None:
        raise click.UsageError("Give either --same or --begins-at.")
    settings = StackSettings.load()
    engine = connect(database_url(settings))
    made_with = claims.of_settings(settings)
    with explained():
        steps = adoption.plan(engine, made_with, same=same, begins_at=begins_at)
    if not steps:
        asked = next((each for each in problems.open_problems(engine) if each.key == problems.ANOTHER), None)
        if asked:
            raise RequestRefused(f"{asked.summary}. {asked.detail} What to do: {asked.advice}")
        say("nothing to do: what is stored was made with these settings")
        return
    for step in steps:
        say(step)
    if not yes:
        click.confirm("Do that?", abort=True)
    with explained():
        changed = adoption.adopt(engine, made_with, same=same, begins_at=begins_at)
    if same or begins_at is not None:
        problems.resolve(engine, problems.ANEW)
    say(f"done; the time or the day of {changed:,} records changed")
