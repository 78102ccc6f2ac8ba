"""Analyses that look back from a day, subscriber by subscriber; what they are as a crowd stands in ``general.groups``."""
