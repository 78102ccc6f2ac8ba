"""What is wrong, who was told, and which steps failed for good."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Create the tables and columns."""
    op.execute(statements("0003_operations.sql"))
