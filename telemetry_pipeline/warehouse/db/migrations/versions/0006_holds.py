"""A place for every date, and the settings that stored rows were made with."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Create the default partitions and the columns."""
    op.execute(statements("0006_holds.sql"))
