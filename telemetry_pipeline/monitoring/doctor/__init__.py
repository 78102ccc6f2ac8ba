"""Whether everything works, and what to do about what does not: checks that are asked for once, a module per theme.

A check returns what it saw, or raises one of the project's errors; ``examination`` says in which order they are made and
what depends on what. Not here: how findings look, and looking again and again (``monitoring.components``).
"""
