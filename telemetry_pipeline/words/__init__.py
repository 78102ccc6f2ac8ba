"""The words that people read, by English names, in Spanish and, for pages, in English: one catalogue for all of them.

``analyses`` has titles and questions, ``shown`` the words of columns, ``stored`` those that tables hold, ``pictures`` what
single pictures say besides, ``terms`` the glossary. ``door``, ``pages``, ``operating`` and ``api`` are what pages say, each in
both languages (``language``), ``upkeep`` what pages, messages and Dagster say of problems, checks, parameters and jobs. What
terminals and logs say besides is English and stands where it is said.
"""
