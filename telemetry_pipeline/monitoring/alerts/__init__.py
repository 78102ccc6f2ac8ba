"""Decides which problems people are told of, and tells them once.

``judging`` makes problems of looks, ``telling`` messages of problems, ``messages`` says how they read, ``outbox`` what is on
its way; ``notebook`` writes it all down, ``watch`` goes round. How a message travels is in ``messaging``.
"""
