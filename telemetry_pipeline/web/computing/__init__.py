"""Answers to questions about any days: what is stored at once, what is not in a bounded pool of processes, kept while views stay."""
