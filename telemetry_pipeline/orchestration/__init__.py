"""Everything Dagster: a thin shell that hands to others what assets, checks, schedules and sensors are about.

``runtime`` alone touches what is private in Dagster.
"""
