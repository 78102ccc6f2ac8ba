"""Analyses that look back from a day at everything: channels, places, hours and days, the crowd. They name no subscriber."""
