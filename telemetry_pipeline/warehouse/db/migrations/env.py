"""Runs the migrations on the connection that ``migrating.migrate`` hands over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import context

connection: sa.Connection = context.config.attributes["connection"]
connection.execute(sa.text("create schema if not exists telemetry"))
context.configure(connection=connection, version_table_schema="telemetry")
with context.begin_transaction():
    context.run_migrations()
