"""Analyses of exactly the days of a run, one or many. Those that look back from a day stand in the rooms of their subjects.

Days of the period on which nothing was seen are days of it all the same, where a definition says so.
"""
