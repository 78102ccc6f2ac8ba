"""Measures of audience as the field defines them: reach, average audience, rating, share, concurrency, flow, stickiness.

What is only counted by views stands in ``general``.
"""
