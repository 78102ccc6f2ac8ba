"""What is going on, as values: how far behind the pipeline is, runs, the schedule, queues, workers, what is stored.

Belongs here: asking servers that were named, and putting their answers together, for whoever shows or judges them. Not: how
it looks (``cli``, pages), whether it is well (``doctor``, ``alerts``), and where the servers are.
"""
