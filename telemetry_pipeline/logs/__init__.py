"""How everything logs, and where. What a line says is up to who writes it."""
