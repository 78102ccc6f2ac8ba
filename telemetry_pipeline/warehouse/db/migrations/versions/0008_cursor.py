"""What holds the cursor, what people said of it, and of which upstream the stored records are."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0008_cursor"
down_revision = "0007"


def upgrade() -> None:
    """Create the columns."""
    op.execute(statements("0008_cursor.sql"))
