"""What goes out to people: reports that were made, who subscribed to them, and the outbox of messages with their outcomes.

How reports look and how messages travel does not belong here (``reports``, ``messaging``).
"""
