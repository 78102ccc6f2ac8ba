"""A place for every date, and the settings that stored rows were made with."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.migrations.versions import statements

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the default partitions and the columns."""
    op.execute(statements("0005_holds.sql"))
