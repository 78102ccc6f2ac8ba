"""The checks of ``telemetry-pipeline doctor``, a module per theme.

A check returns what it saw, or raises ``AdvisedError`` or another of the project's errors.
"""
