"""The stack on this machine: ``up``, ``demo``, and what runs on its own: ``web``, ``webserver``, ``simulator``, ``dagster``.

``commands`` declares them. How a stack is started and kept up is in ``stack``.
"""
