"""The stack on this machine: ``up``, ``demo``, and the parts that run on their own, ``webserver`` and ``simulator``.

``commands`` declares them. How a stack is started and kept up is in ``stack``.
"""
