"""Noticing what is wrong with the running system, and telling people about it."""
