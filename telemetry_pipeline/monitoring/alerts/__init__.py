"""Decides which problems people are told of, and tells them once.

``judging`` makes problems of looks, with their words and advice; ``monitoring.components`` looks, ``settings.alerts`` says for
how long something may be amiss. ``telling`` makes messages of problems, ``messages`` says how they read, ``outbox`` what is on
its way; ``notebook`` writes it all down, ``watch`` goes round. How a message travels is in ``messaging``.
"""
