"""Everything Dagster: a thin shell around ingestion, analyses and warehouse."""
