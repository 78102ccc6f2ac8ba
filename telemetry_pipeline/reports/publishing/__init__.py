"""Reports on their way out: which are due, how one is made and kept, and the messages to those who get it.

What a report says and how it looks does not belong here (``content``, ``forms``), nor how messages travel (``messaging``).
"""
