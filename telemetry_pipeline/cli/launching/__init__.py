"""Running jobs and following them: ``run``, how far a run has come, and how it ended. What can be launched is known below."""
