"""Reports that were made, who gets them, and every message to a person."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0012_outgoing"
down_revision = "0011_restarts"


def upgrade() -> None:
    """Create the tables."""
    op.execute(statements("0012_outgoing.sql"))
