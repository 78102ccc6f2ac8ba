"""Who may come in at the front door, and what they did."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0010_access"
down_revision = "0009_roles"


def upgrade() -> None:
    """Create the tables."""
    op.execute(statements("0010_access.sql"))
