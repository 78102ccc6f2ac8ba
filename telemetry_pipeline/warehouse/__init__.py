"""PostgreSQL: connections, schema, and one module per family of tables. Nothing here knows the upstream or Dagster."""
