"""``telemetry-pipeline migrate``: bring the warehouse's schema to the newest version."""

from __future__ import annotations

import click

from telemetry_pipeline.cli.saying import say


@click.command("migrate", short_help="Bring the warehouse's schema up to date.")
def migrate() -> None:
    """Apply the warehouse's migrations; safe at every start, and from several places at once.

    The stack does it by itself; containers call it before they start.
    """
    from telemetry_pipeline.cli.target import database_url
    from telemetry_pipeline.settings import StackSettings
    from telemetry_pipeline.warehouse import database, partitions
    from telemetry_pipeline.warehouse.reading import explained

    settings = StackSettings.load()
    engine = database.connect(database_url(settings))
    pending = database.pending_migrations(engine)
    database.migrate(engine)
    with explained():
        waiting = partitions.keep_months(engine, settings.first_month)
    if waiting:
        say(f"partitions of {len(waiting)} months have to wait, for somebody holds the tables; the clean-up tries again")
    say(f"applied {', '.join(pending)}" if pending else "nothing to do: the schema is at its newest version")
