"""What makes a figure right: when records were received, which views count, and which days are complete."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Create the tables and columns, and judge the views that are there already."""
    op.execute(statements("0004_figures.sql"))
