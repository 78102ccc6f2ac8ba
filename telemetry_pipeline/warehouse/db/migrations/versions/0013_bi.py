"""What tools for charts and tables may read: a schema of views, each column of which says what it is."""

from __future__ import annotations

from alembic import op

from telemetry_pipeline.warehouse.db.migrations.versions import statements

revision = "0013_bi"
down_revision = "0012_outgoing"


def upgrade() -> None:
    """Create the schema, and the views that are of no analysis."""
    op.execute(statements("0013_bi.sql"))
