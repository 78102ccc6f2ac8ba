"""Looking after the system in a browser: *Tareas* and what operators do there, *Estado*, and metrics for Prometheus."""
