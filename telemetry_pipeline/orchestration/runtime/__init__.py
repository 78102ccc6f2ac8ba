"""The only place that touches Dagster's private parts: where runs, steps and their records differ from what Dagster does by
itself.
"""
