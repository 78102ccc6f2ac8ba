"""The words that people read, in Spanish, by English names: one catalogue for results, pictures, reports and pages.

``analyses`` has titles and questions, ``shown`` the words of columns, ``stored`` those that tables hold, ``pictures`` what
single pictures say besides. What terminals and logs say is English and stands where it is said.
"""
