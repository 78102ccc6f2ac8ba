"""Steps on Celery: how they are submitted, executed, found again when a worker is lost, and counted once."""
