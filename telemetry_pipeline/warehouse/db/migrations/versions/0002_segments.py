"""Views by column, the versions of their days, and what results were computed from."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Create the tables and columns."""
    op.execute(statements("0002_segments.sql"))
