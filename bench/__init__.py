"""Measurements against a limit or a peer in the same run. Each prints its figures and, as its last line, ``RESULT {json}``."""
