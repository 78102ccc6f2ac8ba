"""Looking after the system: ``status``, ``doctor``, ``logs``, ``watch``, ``dead-letters``, ``cursor``, ``adopt``, ``migrate``.

``commands`` declares them; each has a module for what it does. The facts and checks themselves are in ``monitoring``.
"""
