"""Calls of functions: sessions, time and size limits, tries, envelopes, and what errors may give away. No records."""
