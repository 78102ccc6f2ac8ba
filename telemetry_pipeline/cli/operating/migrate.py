"""``telemetry-pipeline migrate``: bring the warehouse's schema to the newest version."""

from __future__ import annotations

from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.target import database_url, owner_database_url
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.db import connections as database
from telemetry_pipeline.warehouse.db import partitions
from telemetry_pipeline.warehouse.roles import roles


def migrate() -> None:
    """Apply migrations and rights, and say which."""
    settings = StackSettings.load()
    url = database_url(settings)
    engine = database.connect(owner_database_url(settings) or url)
    migrated = roles.migrate(engine, *roles.of_settings(settings, url))
    waiting = partitions.keep_months(engine, settings.first_month)
    if waiting:
        say(f"partitions of {len(waiting)} months have to wait, for somebody holds the tables; the clean-up tries again")
    for line in migrated.lines:
        say(line)
    applied = ", ".join(migrated.applied)
    say(f"applied {applied}" if applied else "nothing to do: the schema is at its newest version")
