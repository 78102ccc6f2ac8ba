"""Viewing telemetry of a TV operator: from PanAccess into PostgreSQL, merged and analysed as Dagster assets."""

from telemetry_pipeline.settings import proxies

proxies.keep_out()
