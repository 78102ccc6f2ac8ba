"""Alembic's migrations of the schemas `telemetry` and `analysis`."""
