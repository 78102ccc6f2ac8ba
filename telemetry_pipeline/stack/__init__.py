"""The local stack: everything the pipeline needs on one machine, as one command.

Servers, worker, web UI, daemon and simulator as child processes of one supervisor. What they do is said elsewhere.
"""
