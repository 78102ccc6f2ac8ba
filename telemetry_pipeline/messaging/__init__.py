"""How a message to a person travels: the channels that addresses name, and what they answer.

Belongs here: sending a subject and a body, within bounded time and without giving secrets away. Not: what is told, to whom and
when (``monitoring.alerts``).
"""
