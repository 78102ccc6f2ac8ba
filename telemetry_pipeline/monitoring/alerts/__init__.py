"""Deciding which problems people are told of, and telling them once."""
