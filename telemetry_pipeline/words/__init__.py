"""The words that people read, in Spanish, by English names: one catalogue for results, pictures, reports and pages.

What terminals and logs say is English and stands where it is said.
"""
