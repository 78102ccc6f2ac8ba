"""What a person asks of workers."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0011_restarts"
down_revision = "0010_access"


def upgrade() -> None:
    """Create the table."""
    op.execute(statements("0011_restarts.sql"))
