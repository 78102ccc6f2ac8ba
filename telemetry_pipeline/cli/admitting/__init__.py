"""Who may come in at the front door: ``users`` for people, ``tokens`` for programs.

``commands`` declares them; each has a module for what it does, and each change is on record with the machine's user.
"""
