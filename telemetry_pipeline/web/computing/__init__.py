"""Answers about any days: what is stored at once, what is not by a few processes; kept while views stay the same."""
