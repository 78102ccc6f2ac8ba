"""``telemetry-pipeline adopt``: change what is stored to settings that it was not made with."""

from __future__ import annotations

import click


@click.command("adopt", short_help="Change what is stored to settings that changed.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def adopt(yes: bool) -> None:
    """Change what is stored to OPERATOR_TIMEZONE, PANACCESS_TIMEZONE and the host of PANACCESS_URL as they are set now.

    Rows that were made with others are refused company: ticks and repairs stop until the setting is set back, or until this
    command has changed what is stored. It says what it will do, asks, and does all of it in one transaction; writers wait
    meanwhile, and it can take minutes. Results of all days are out of date then, and are computed anew.
    """
    from telemetry_pipeline.cli.target import database_url
    from telemetry_pipeline.settings import StackSettings
    from telemetry_pipeline.warehouse import adoption, claims
    from telemetry_pipeline.warehouse.database import connect
    from telemetry_pipeline.warehouse.reading import explained

    settings = StackSettings.load()
    engine = connect(database_url(settings))
    made_with = claims.of_settings(settings)
    with explained(), engine.connect() as connection:
        steps = adoption.plan(claims.stored(connection), made_with)
    if not steps:
        click.echo("nothing to do: what is stored was made with these settings")
        return
    for step in steps:
        click.echo(step)
    if not yes:
        click.confirm("Do that?", abort=True)
    with explained():
        changed = adoption.adopt(engine, made_with)
    click.echo(f"done; the time or the day of {changed:,} records changed")
