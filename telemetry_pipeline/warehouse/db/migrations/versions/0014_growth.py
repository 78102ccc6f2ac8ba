"""What keeps ticks and nights from reading all that is stored."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0014_growth"
down_revision = "0013_bi"


def upgrade() -> None:
    """Create the indexes, and the table of ids that wait for the check that they are stored once."""
    op.execute(statements("0014_growth.sql"))
