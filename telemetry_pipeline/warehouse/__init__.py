"""PostgreSQL: what came in, what follows from it, and how the pipeline is doing, a room for each family of tables.

Nothing here knows the upstream, results of analyses, or Dagster.
"""
