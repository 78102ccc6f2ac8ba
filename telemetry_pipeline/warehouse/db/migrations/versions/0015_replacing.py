"""What lets a result be replaced by its rows that changed."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0015_replacing"
down_revision = "0014_growth"


def upgrade() -> None:
    """Have the catalogue keep the lines of results whose rows are replaced."""
    op.execute(statements("0015_replacing.sql"))
