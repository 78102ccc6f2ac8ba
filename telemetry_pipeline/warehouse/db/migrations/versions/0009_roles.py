"""Functions that do for the pipeline what only the owner of the tables may, and no more with the owner's rights."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0009_roles"
down_revision = "0008_cursor"


def upgrade() -> None:
    """Create the functions."""
    op.execute(statements("0009_roles.sql"))
