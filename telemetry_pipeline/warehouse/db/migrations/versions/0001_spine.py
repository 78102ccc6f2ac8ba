"""Records, views, names of channels, the state of the sync, and the catalogue of results."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Create the tables."""
    op.execute(statements("0001_spine.sql"))
