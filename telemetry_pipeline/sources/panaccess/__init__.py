"""The upstream: its API as a client sees it. Nothing here knows PostgreSQL or Dagster."""
