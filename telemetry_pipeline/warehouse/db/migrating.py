"""The schema is brought to the newest version, by Alembic; only who does that loads it."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError

from telemetry_pipeline.errors import WarehouseError
from telemetry_pipeline.warehouse.db.connections import lock

_MIGRATIONS = Path(__file__).parent / "migrations"
_UNKNOWN_VERSION = "the schema in PostgreSQL is of a newer version than this program"


def migrate(engine: sa.Engine, owner: str | None = None) -> None:
    """Bring the schema to the newest version; safe at every start, and from several places at once.

    :param owner: the role that what is created shall belong to; this user has to be a member of it. None: this user.
    :raises WarehouseError: PostgreSQL is unreachable, or its schema is of a newer version.
    """
    try:
        with engine.begin() as connection:
            lock(connection, "migrations")
            if owner is not None:
                connection.execute(sa.text("select set_config('role', :owner, true)"), {"owner": owner})
            config = _alembic_config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as err:
        raise WarehouseError(f"{_UNKNOWN_VERSION}: {err}") from err


def pending_migrations(engine: sa.Engine) -> list[str]:
    """Return the migrations that the database still lacks, oldest first.

    :raises WarehouseError: PostgreSQL is unreachable, or its schema is of a newer version.
    """
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"version_table_schema": "telemetry"})
        current = context.get_current_revision()
    script = ScriptDirectory.from_config(_alembic_config())
    try:
        return [revision.revision for revision in script.iterate_revisions("head", current or "base")][::-1]
    except RevisionError as err:
        raise WarehouseError(f"{_UNKNOWN_VERSION}: {err}") from err


def _alembic_config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))  # a configuration file's own escape
    return config
