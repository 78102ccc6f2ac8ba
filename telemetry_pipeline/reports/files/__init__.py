"""Results as files that people take along: CSV for programs and for Excel, workbooks. No cell is ever a formula."""
