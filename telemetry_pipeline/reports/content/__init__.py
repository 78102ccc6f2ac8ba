"""What a report says, before it has a form: headline figures, tables with their pictures, and what readers have to know.

Which reports there are stands in ``analyses.reports``. How they look on paper, on a page and in a workbook does not belong here
(``forms``), nor when they are made and who gets them.
"""
