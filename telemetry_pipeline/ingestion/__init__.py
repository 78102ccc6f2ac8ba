"""The sync: what the upstream has goes into the warehouse, once, and nothing is lost."""
