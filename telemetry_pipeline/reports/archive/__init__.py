"""Where reports are kept: a directory or S3, under names that say what they are of and when they were made.

How reports look does not belong here (``forms``), nor who gets them (``messaging``).
"""
