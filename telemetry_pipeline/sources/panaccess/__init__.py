"""The upstream: its telemetry as slices of ids, pages and records; in ``calls``, its API. No PostgreSQL, no Dagster."""
