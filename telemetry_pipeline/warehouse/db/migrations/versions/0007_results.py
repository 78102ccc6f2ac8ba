"""Results and documents that people take away or change are forgotten, and what a document is of is known."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Create the function and the triggers of the tables that are there, and the column."""
    op.execute(statements("0007_results.sql"))
