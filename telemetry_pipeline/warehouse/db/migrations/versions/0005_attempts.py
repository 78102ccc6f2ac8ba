"""Which attempt at a step counts."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Create the table."""
    op.execute(statements("0005_attempts.sql"))
