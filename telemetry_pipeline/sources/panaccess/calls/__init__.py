"""Calls of functions: sessions, time and size limits, tries, envelopes, and what errors may give away. No records.

``client`` tries again and says which error is which, ``transport`` sends one request, ``session`` logs in, ``wire`` reads and
writes what goes over it, ``discretion`` keeps secrets out of errors.
"""
