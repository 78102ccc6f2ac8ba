"""Viewing telemetry of a TV operator: from PanAccess into PostgreSQL, merged and analysed as Dagster assets."""
