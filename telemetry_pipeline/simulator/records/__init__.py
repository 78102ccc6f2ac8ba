"""The records that there are: their fields, the visible ones in order, export files, and what makes others of them. No HTTP."""
