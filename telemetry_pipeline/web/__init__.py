"""What people's browsers reach, and what stands before it. It knows nothing of Dagster."""
